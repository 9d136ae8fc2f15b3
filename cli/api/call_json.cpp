#include "cli/api/call_json.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/commands/command.hpp"
#include "cli/commands/foreshard_commands.hpp"
#include "cli/options/job_input.hpp"
#include "cli/options/suggestion.hpp"
#include "cli/terminal/listener.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "planner/spec/yaml/input_file.hpp"
#include "planner/units/count.hpp"
#include "planner/units/result_error.hpp"

namespace foreshard::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Options that say where an answer goes: here it is always the JSON that is returned.
constexpr std::array<std::string_view, 4> kNotHere{"--format", "--html", "--color", "--help"};

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// A value as the command line spells it.
std::string as_text(const std::string& key, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return dumped(value);
  if (!value.is_array())
    throw UsageError(fmt::format("'{}' takes a text, a number or a list, not {}", key, dumped(value)));
  std::vector<std::string> texts;
  for (const Json& item : value) texts.push_back(as_text(key, item));
  return fmt::format("{}", fmt::join(texts, ","));
}

/// A key of a request as the name of an option: "micro_batch" is "--micro-batch".
std::string option_name(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}

/// An argument's name as a key: "JOB" is "job".
std::string argument_key(const std::string& name) {
  std::string key = name;
  std::transform(key.begin(), key.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return key;
}

/// Whether a job is given by its text instead of by a name or a path.
bool is_job_text(const std::string& job) { return job.find('\n') != std::string::npos; }

/// One request: reads its keys into the targets of a command's options.
class Request {
 public:
  explicit Request(const std::string& text) : json_(Json::parse(text)) {
    if (!json_.is_object()) throw UsageError("a request is a JSON object");
  }

  [[nodiscard]] std::string command() const {
    const auto found = json_.find("command");
    if (found == json_.end() || !found->is_string())
      throw UsageError("a request has a 'command', such as plan");
    return found->get<std::string>();
  }

  /// The job's text, where the request has it; the command reads it in place of standard input.
  [[nodiscard]] const std::string& job_text() const { return job_text_; }

  void read_into(const CommandSpec& spec) {
    std::vector<std::string> known;
    for (const OptionSpec& argument : spec.arguments) {
      known.push_back(argument_key(argument.name));
      read_argument(argument, known.back());
    }
    for (const OptionSpec& option : spec.options) {
      if (std::find(kNotHere.begin(), kNotHere.end(), option.name) != kNotHere.end()) continue;
      known.push_back(option.name.substr(2));
    }
    for (const auto& [key, value] : json_.items()) {
      if (key == "command" || is_argument(spec, key)) continue;
      const std::string name = option_name(key);
      const auto option = std::find_if(spec.options.begin(), spec.options.end(),
                                       [&](const OptionSpec& candidate) { return candidate.name == name; });
      if (option == spec.options.end() ||
          std::find(known.begin(), known.end(), name.substr(2)) == known.end())
        throw UsageError(fmt::format("{} takes no '{}'{}", spec.name, key, suggestion(key, known)));
      read_option(*option, key, value);
    }
  }

 private:
  static bool is_argument(const CommandSpec& spec, const std::string& key) {
    return std::any_of(spec.arguments.begin(), spec.arguments.end(),
                       [&](const OptionSpec& argument) { return argument_key(argument.name) == key; });
  }

  void read_argument(const OptionSpec& argument, const std::string& key) {
    const auto found = json_.find(key);
    if (found == json_.end() || found->is_null()) {
      if (argument.is_required) throw UsageError(fmt::format("'{}' is missing", key));
      return;
    }
    if (found->is_object()) {
      read_text(argument, found->dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    } else if (found->is_string() && is_job_text(found->get<std::string>())) {
      read_text(argument, found->get<std::string>());
    } else if (found->is_array() && argument.target.is_repeated) {
      for (const Json& item : *found) argument.target.read(argument.name, as_text(key, item));
    } else {
      argument.target.read(argument.name, as_text(key, *found));
    }
  }

  void read_text(const OptionSpec& argument, std::string text) {
    job_text_ = std::move(text);
    argument.target.read(argument.name, "-");
  }

  static void read_option(const OptionSpec& spec, const std::string& key, const Json& value) {
    if (value.is_null()) return;
    if (spec.is_flag()) {
      if (!value.is_boolean()) throw UsageError(fmt::format("'{}' is true or false", key));
      if (value.get<bool>()) spec.target.read(spec.name, {});
    } else if (value.is_object()) {
      // Of --set KEY=VALUE and its like, one for each member.
      if (!spec.target.is_repeated) throw UsageError(fmt::format("'{}' takes one value, not an object", key));
      for (const auto& [name, item] : value.items())
        spec.target.read(
            spec.name, fmt::format("{}={}", name, item.is_structured() ? dumped(item) : as_text(key, item)));
    } else if (value.is_array() && spec.target.is_repeated) {
      for (const Json& item : value) spec.target.read(spec.name, as_text(key, item));
    } else {
      spec.target.read(spec.name, as_text(key, value));
    }
  }

  Json json_;
  std::string job_text_;
};

Json problem(const Diagnostic& diagnostic) {
  return {{"file", diagnostic.mark.file},         {"line", diagnostic.mark.line},
          {"column", diagnostic.mark.column},     {"path", diagnostic.path},
          {"message", diagnostic.message},        {"allowed", diagnostic.allowed},
          {"text", format_diagnostic(diagnostic)}};
}

std::string failure(ExitCode code, const std::string& message, const Json& problems = Json::array()) {
  Json answer{{"code", static_cast<int>(code)}, {"message", message}};
  if (code == ExitCode::wrong_input) answer["problems"] = problems;
  return dumped(answer) + "\n";
}

std::string failure(const SpecError& error) {
  Json problems = Json::array();
  for (const Diagnostic& diagnostic : error.diagnostics()) problems.push_back(problem(diagnostic));
  return failure(ExitCode::wrong_input, format_diagnostics(error.diagnostics()), problems);
}

/// Asks a command for JSON, if it gives any. Others print text, which becomes a JSON string.
bool ask_for_json(const CommandSpec& spec) {
  for (const OptionSpec& option : spec.options) {
    if (option.name != "--format") continue;
    option.target.read(option.name, "json");
    return true;
  }
  return false;
}

std::string run(const std::string& text) {
  Request request(text);
  const std::vector<Command> commands = foreshard_commands();
  const std::string wanted = request.command();
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& candidate) { return candidate.spec.name == wanted; });
  if (command == commands.end()) {
    std::vector<std::string> names;
    for (const Command& candidate : commands) names.push_back(candidate.spec.name);
    throw UsageError(fmt::format("unknown command '{}'; there are {}{}", wanted, fmt::join(names, ", "),
                                 suggestion(wanted, names)));
  }
  request.read_into(command->spec);
  const bool gives_json = ask_for_json(command->spec);
  const GivenInput input(request.job_text());
  forget_inputs();
  const CommandResult result = command->run();
  // The command's own text, so that every number has the digits that the command line prints.
  std::string output = gives_json ? result.output : dumped(result.output);
  while (output.ends_with('\n')) output.pop_back();
  return fmt::format("{{\"code\": {}, \"result\": {}}}\n", static_cast<int>(result.code), output);
}

}  // namespace

std::string call(const std::string& request, std::function<bool(const std::string& event)> hear) {
  Listener listener{.hear = std::move(hear)};
  const ListenerScope scope(listener);
  try {
    return run(request);
  } catch (const SpecError& error) {
    return failure(error);
  } catch (const RequestError& error) {
    return failure(ExitCode::wrong_input, request_complaint(error));
  } catch (const UsageError& error) {
    return failure(ExitCode::wrong_input, error.what());
  } catch (const ResultError& error) {
    return failure(ExitCode::wrong_input, error.what());
  } catch (const Json::exception& error) {
    return failure(ExitCode::wrong_input, fmt::format("the request is no JSON: {}", error.what()));
  } catch (const CountOverflow& error) {
    return failure(ExitCode::wrong_input, fmt::format("the job is too large to count: {}", error.what()));
  } catch (const std::bad_alloc&) {
    return failure(ExitCode::environment, "out of memory");
  } catch (const std::exception& error) {
    return failure(ExitCode::environment, error.what());
  }
}

}  // namespace foreshard::cli
