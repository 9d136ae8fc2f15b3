#include "cli/options/parse_command_line.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/help.hpp"
#include "cli/options/suggestion.hpp"
#include "cli/terminal/usage_error.hpp"

namespace foreshard::cli {
namespace {

/// An option and its declaration in CLI11. CLI11 only splits the command line into options and texts. The
/// meaning of the texts and all messages are ours, so CLI11 is given no types, validators or help texts.
struct Declared {
  const OptionSpec* spec = nullptr;
  CLI::Option* option = nullptr;
};

struct DeclaredCommand {
  const CommandSpec* spec = nullptr;
  CLI::App* app = nullptr;
  std::vector<Declared> options{};
};

bool keep_text(const CLI::results_t& /*texts*/) { return true; }

Declared declare(CLI::App& app, const OptionSpec& spec) {
  if (spec.is_flag())
    return {&spec, app.add_flag(spec.name)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)};
  CLI::Option* const option = app.add_option(spec.name, CLI::callback_t(keep_text));
  option->type_size(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  // Each name takes one text. How often the name may be given is checked in read_values.
  const bool is_argument = !spec.name.starts_with('-');
  const bool is_one_argument = is_argument && !spec.target.is_repeated;
  option->expected(1, is_one_argument ? 1 : -1)->allow_extra_args(is_argument && !is_one_argument);
  return {&spec, option};
}

DeclaredCommand declare(CLI::App& app, const CommandSpec& spec) {
  DeclaredCommand command{.spec = &spec, .app = app.add_subcommand(spec.name)};
  for (const OptionSpec& argument : spec.arguments)
    command.options.push_back(declare(*command.app, argument));
  for (const OptionSpec& option : spec.options) {
    if (option.name != "--help") command.options.push_back(declare(*command.app, option));
  }
  return command;
}

void read_values(const Declared& declared) {
  const OptionSpec& spec = *declared.spec;
  const std::vector<std::string>& texts = declared.option->results();
  if (spec.is_flag()) {
    for (const std::string& text : texts) {
      if (text != "true") throw UsageError(fmt::format("{} takes no value", spec.name));
      spec.target.read(spec.name, {});
    }
    return;
  }
  if (texts.empty() && spec.is_required) throw UsageError(fmt::format("{} is required", spec.name));
  if (texts.size() > 1 && !spec.target.is_repeated)
    throw UsageError(fmt::format("{} is given {} times; it takes one value", spec.name, texts.size()));
  for (const std::string& text : texts) {
    if (text.empty())
      throw UsageError(fmt::format("{} is empty{}", spec.name,
                                   spec.value.empty() ? "" : fmt::format("; it takes {}", spec.value)));
    // If a value was left out, CLI11 takes the next option for it.
    if (text.starts_with("--"))
      throw UsageError(fmt::format("{} has no value: {} is missing before {}", spec.name,
                                   spec.value.empty() ? spec.name : spec.value, text));
    spec.target.read(spec.name, text);
  }
}

std::vector<std::string> command_names(const ToolSpec& tool) {
  std::vector<std::string> names;
  for (const CommandSpec& command : tool.commands) names.push_back(command.name);
  return names;
}

std::string names_with_or(const ToolSpec& tool) {
  std::vector<std::string> names = command_names(tool);
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} or {}", fmt::join(names, ", "), last);
}

UsageError unknown_command(const ToolSpec& tool, const std::string& word) {
  const std::vector<std::string> names = command_names(tool);
  return UsageError(fmt::format("unknown command '{}'; there are {}{}", word, fmt::join(names, ", "),
                                suggestion(word, names)));
}

/// The error for a text that CLI11 could not assign to an option or argument.
UsageError unknown_text(const ToolSpec& tool, const DeclaredCommand* command, const std::string& text) {
  if (text.starts_with('-')) {
    std::vector<std::string> names;
    for (const OptionSpec& option : command != nullptr ? command->spec->options : tool.options)
      names.push_back(option.name);
    const std::string name = text.substr(0, text.find('='));
    return UsageError(fmt::format("unknown option '{}'{}", name, suggestion(name, names)));
  }
  if (command == nullptr) return unknown_command(tool, text);
  return UsageError(fmt::format("'{}' is one argument too many", text));
}

const DeclaredCommand* chosen(const std::vector<DeclaredCommand>& commands) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [](const DeclaredCommand& command) { return command.app->parsed(); });
  return found == commands.end() ? nullptr : &*found;
}

/// The command that prints help on what the command line tried to do.
std::string help_command(const ToolSpec& tool, const DeclaredCommand* command) {
  return command == nullptr ? tool.name + " --help"
                            : fmt::format("{} {} --help", tool.name, command->spec->name);
}

/// The words after the tool's name; `help plan` becomes `plan --help`.
std::vector<std::string> words_of(const ToolSpec& tool, int argc, const char* const* argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  if (!words.empty() && !words.front().starts_with('-')) {
    const std::vector<std::string> names = command_names(tool);
    if (std::find(names.begin(), names.end(), words.front()) == names.end())
      throw unknown_command(tool, words.front());
  }
  words.emplace_back("--help");
  return words;
}

/// Refuses an option with nothing after its "=": for "--trace=", CLI11 would take the next word as the value.
void require_values(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word.starts_with("--") && word.find('=') == word.size() - 1)
      throw UsageError(fmt::format("{} is empty", word.substr(0, word.size() - 1)));
  }
}

std::string page_for(const ToolSpec& tool, const DeclaredCommand* command, std::size_t width) {
  return command == nullptr ? help_page(tool, width) : help_page(tool, *command->spec, width);
}

}  // namespace

ParsedCommandLine parse_command_line(const ToolSpec& tool, int argc, const char* const* argv,
                                     const std::string& version, std::size_t help_width) {
  CLI::App app;
  app.set_help_flag("-h,--help");
  app.set_version_flag("--version", version);
  std::vector<DeclaredCommand> commands;
  for (const CommandSpec& command : tool.commands) commands.push_back(declare(app, command));
  try {
    std::vector<std::string> words = words_of(tool, argc, argv);
    require_values(words);
    if (words.empty()) throw UsageError(fmt::format("a command is missing: {}", names_with_or(tool)));
    const std::string last = words.back();
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
      app.parse(words);
    } catch (const CLI::CallForHelp&) {
      return {.page = page_for(tool, chosen(commands), help_width)};
    } catch (const CLI::CallForVersion&) {
      return {.page = fmt::format("{} {}\n", tool.name, version)};
    } catch (const CLI::ExtrasError&) {
      const DeclaredCommand* const command = chosen(commands);
      throw unknown_text(tool, command, (command != nullptr ? *command->app : app).remaining().front());
    } catch (const CLI::ArgumentMismatch&) {
      // An option takes whatever follows as its value, so for CLI11 a value is missing only at the end.
      throw UsageError(fmt::format("{} has no value", last));
    } catch (const CLI::ParseError& error) {
      throw UsageError(error.what());
    }
    const DeclaredCommand* const command = chosen(commands);
    if (command == nullptr) throw UsageError(fmt::format("a command is missing: {}", names_with_or(tool)));
    for (const Declared& option : command->options) read_values(option);
    return {.page = std::nullopt, .command = static_cast<std::size_t>(command - commands.data())};
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("{}\nsee: {}", error.what(), help_command(tool, chosen(commands))));
  }
}

}  // namespace foreshard::cli
