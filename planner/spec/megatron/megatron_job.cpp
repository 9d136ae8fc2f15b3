#include "planner/spec/megatron/megatron_job.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/megatron/megatron_parts.hpp"
#include "planner/spec/megatron/shell_script.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

/// Flags that every launch of Megatron-LM has some of.
bool is_telling(const std::string& word) {
  static const std::vector<std::string> kTelling{
      "--num-layers",          "--hidden-size",       "--micro-batch-size",    "--seq-length",
      "--num-attention-heads", "--global-batch-size", "--hybrid-layer-pattern"};
  const std::string name = word.substr(0, word.find('='));
  return std::find(kTelling.begin(), kTelling.end(), name) != kTelling.end();
}

std::size_t telling_words(const ShellCommand& command) {
  return static_cast<std::size_t>(
      std::count_if(command.words.begin(), command.words.end(),
                    [](const ShellText& word) { return is_telling(word.chars()); }));
}

/// Words that are each one flag with its value, as arrays often have them quoted: "--split 99,1,0".
ShellCommand without_inner_spaces(const ShellCommand& command) {
  ShellCommand split;
  for (const ShellText& word : command.words) {
    const bool has_flags = word.chars().find("--") != std::string::npos;
    if (!has_flags) {
      split.words.push_back(word);
      continue;
    }
    for (ShellText& part : split_words(word)) split.words.push_back(std::move(part));
  }
  return split;
}

/// The words of a file that holds arguments alone, on as many lines as it likes.
ShellCommand arguments_alone(const ShellScript& script) {
  ShellCommand all;
  for (const ShellCommand& line : script.commands) {
    if (line.words.front().chars().starts_with("-"))
      all.words.insert(all.words.end(), line.words.begin(), line.words.end());
  }
  return without_inner_spaces(all);
}

/// The command that launches Megatron-LM: the one with most flags of it; else what the script assembles in a
/// variable, or in a here-document.
std::optional<ShellCommand> launch_command(const ShellScript& script) {
  for (const std::vector<ShellCommand>* const candidates : {&script.commands, &script.assigned}) {
    std::optional<ShellCommand> best;
    for (const ShellCommand& candidate : *candidates) {
      const ShellCommand command = without_inner_spaces(candidate);
      if (telling_words(command) == 0) continue;
      if (!best || command.words.size() > best->words.size()) best = command;
    }
    if (!best || telling_words(*best) < 2) continue;
    // A command that begins with a flag is a line of arguments, one of several.
    const bool is_line = candidates == &script.commands && best->words.front().chars().starts_with("-");
    return is_line ? arguments_alone(script) : *best;
  }
  const ShellCommand alone = arguments_alone(script);
  return telling_words(alone) >= 2 ? std::optional(alone) : std::nullopt;
}

class CommandReader {
 public:
  CommandReader(SourcePtr source, const ShellCommand& command) : source_(std::move(source)) { read(command); }

  std::vector<Flag> flags;     ///< of Megatron-LM
  std::vector<Flag> launcher;  ///< of torchrun, srun and the like, before the program
  std::string program;

 private:
  [[nodiscard]] Place place_of(const ShellText& word) const {
    const Spot spot = word.begin_spot();
    return {source_, spot.line, spot.column};
  }

  static bool is_program(const std::string& word) { return word.ends_with(".py") && !word.starts_with("--"); }

  void read(const ShellCommand& command) {
    const auto is_python = [](const ShellText& word) { return is_program(word.chars()); };
    // A launcher's own script may be a .py too: the last one before the first flag of Megatron-LM counts.
    const auto first_telling = std::find_if(command.words.begin(), command.words.end(),
                                            [](const ShellText& word) { return is_telling(word.chars()); });
    const auto last_python =
        std::find_if(std::make_reverse_iterator(first_telling), command.words.rend(), is_python).base();
    std::vector<Flag>* into = last_python == command.words.begin() ? &flags : &launcher;
    for (auto word = command.words.begin(); word != command.words.end(); ++word) {
      if (word + 1 == last_python && into == &launcher) {
        program = word->chars();
        into = &flags;
        continue;
      }
      add(*word, *into);
    }
  }

  void add(const ShellText& word, std::vector<Flag>& into) {
    const std::string& chars = word.chars();
    const bool is_flag =
        chars.size() > 1 && chars[0] == '-' && (chars[1] == '-' || (chars[1] >= 'A' && chars[1] <= 'z'));
    if (!is_flag) {
      if (!into.empty()) into.back().values.push_back({chars, place_of(word)});
      return;
    }
    const std::size_t equals = chars.find('=');
    Flag flag{.name = chars.substr(0, equals), .place = place_of(word)};
    std::replace(flag.name.begin(), flag.name.end(), '_', '-');
    if (equals != std::string::npos) {
      const Spot spot = word.spot(equals);
      flag.values.push_back({chars.substr(equals + 1), {source_, spot.line, spot.column + 1}});
    }
    into.push_back(std::move(flag));
  }

  SourcePtr source_;
};

/// The number that a launcher's flag says: 0 if it says something else, such as a variable that is not set. None
/// if none of these flags is there; of several, the first of the names counts.
std::optional<std::int64_t> launcher_number(const std::vector<Flag>& launcher,
                                            std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    for (const Flag& flag : launcher) {
      if (flag.name != name || flag.values.empty()) continue;
      std::string text = flag.values.front().text;
      text = text.substr(text.find(':') == std::string::npos ? 0 : text.find(':') + 1);  // elastic: 1:4
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      const bool is_number = error == std::errc{} && end == text.data() + text.size() && number > 0;
      return is_number ? number : 0;
    }
  }
  return std::nullopt;
}

void refuse_other_programs(const CommandReader& command, const Place& place, Complaints& complaints) {
  static const std::vector<std::string> kOthers{"pretrain_t5",     "pretrain_retro", "pretrain_ict",
                                                "pretrain_vision", "pretrain_vlm",   "train_rl",
                                                "pretrain_ul2"};
  for (const std::string& other : kOthers) {
    if (command.program.find(other) != std::string::npos)
      complaints.add(place, "",
                     fmt::format("foreshard has no notion of the model that {} trains", command.program),
                     "pretrain_gpt.py, pretrain_hybrid.py, pretrain_mamba.py and pretrain_bert.py are read");
  }
}

}  // namespace

namespace {

/// The job of Megatron-LM's flags.
void say_job(const FlagReader& flags, LaunchJob& job, const LaunchDevices& devices) {
  say_megatron_model(flags, job);
  say_megatron_training(flags, job, devices);
  account_for_flags(flags, job);
}

}  // namespace

LaunchJob job_from_megatron(const SourcePtr& source, const std::string& text,
                            const std::set<std::string>& overridden, std::int64_t devices,
                            Complaints& complaints) {
  LaunchJob job;
  job.framework = "megatron";
  const ShellScript script = follow_shell(text);
  const std::optional<ShellCommand> found = launch_command(script);
  if (!found) {
    complaints.add(
        {source, 1, 1}, "", "no command with arguments of Megatron-LM was found",
        "a shell script that calls pretrain_gpt.py, or a file with its arguments: --num-layers 80 …");
    return job;
  }
  const CommandReader command(source, *found);
  const Spot begin = found->words.front().begin_spot();
  const Place place{source, begin.line, begin.column};
  refuse_other_programs(command, place, complaints);
  const auto nodes = launcher_number(command.launcher, {"--nnodes", "-N", "--nodes", "--num-nodes"});
  const auto each = launcher_number(
      command.launcher, {"--nproc-per-node", "--gpus-per-node", "--num-gpus", "--ntasks-per-node"});
  // torchrun starts on one node if it is not told otherwise.
  job.nodes = nodes.value_or(each ? 1 : 0);
  const bool replaces_nodes = overridden.contains("cluster.nodes");
  LaunchDevices all{.count = devices};
  if (each && *each > 0 && job.nodes > 0 && !replaces_nodes)
    all = {.count = checked_product(job.nodes, *each), .is_of_launcher = true};
  else if (job.nodes > 0 && !replaces_nodes)
    all = {};  // as many as the cluster has on these nodes
  say_job(FlagReader(command.flags, place, overridden, complaints), job, all);
  if (command.program.find("pretrain_bert") != std::string::npos) job.model.say("causal", false, place);
  if (!script.read_files.empty())
    job.left_out.push_back(
        fmt::format("files that the script reads are not followed: {}", fmt::join(script.read_files, ", ")));
  return job;
}

LaunchJob job_from_megatron_yaml(const YamlNode& arguments, const std::set<std::string>& overridden,
                                 std::int64_t devices, Complaints& complaints) {
  LaunchJob job;
  job.framework = "megatron";
  std::vector<Flag> flags;
  for (const MapEntry& entry : arguments.entries) {
    if (entry.value->text == "false") continue;
    Flag flag{.name = entry.key, .place = entry.key_place};
    std::replace(flag.name.begin(), flag.name.end(), '_', '-');
    if (entry.value->kind == YamlNode::Kind::scalar && entry.value->text != "true") {
      // A text may hold several words, as after a flag on a command line.
      for (const ShellText& word : split_words(ShellText(entry.value->text, {})))
        flag.values.push_back({word.chars(), entry.value->place});
    }
    for (const NodePtr& item : entry.value->items) flag.values.push_back({item->text, item->place});
    flags.push_back(std::move(flag));
  }
  say_job(FlagReader(std::move(flags), arguments.place, overridden, complaints), job, {.count = devices});
  return job;
}

}  // namespace foreshard::detail
