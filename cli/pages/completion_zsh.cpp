#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/pages/completion.hpp"

namespace foreshard::cli {
namespace {

std::string escaped(const std::string& text, const std::string& special) {
  std::string safe;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) safe += '\\';
    safe += c;
  }
  return safe;
}

/// Quotes text in single quotes.
std::string single_quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) safe += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return safe + "'";
}

/// The action by which _arguments completes a value; a blank if nothing is known about it.
std::string action(const ToolSpec& tool, const OptionSpec& option) {
  const std::vector<std::string>& words = option.target.words;
  if (!words.empty() && option.takes_list())
    return fmt::format("_values -s , value {}", fmt::join(words, " "));
  if (!words.empty()) return fmt::format("({})", fmt::join(words, " "));
  if (option.offer == Offer::nothing) return " ";
  if (option.offer == Offer::files) return "_files";
  const std::string function = fmt::format("{}_{}", function_name(tool), word_for(option.offer));
  return option.takes_list() ? "_sequence " + function : function;
}

std::string specification(const ToolSpec& tool, const OptionSpec& option) {
  const std::string help = escaped(option.help, "[]:\\");
  if (option.value.empty() && !option.name.starts_with('-'))
    return single_quoted(
        fmt::format("{}:{}:{}", option.target.is_repeated ? "*" : "", option.name, action(tool, option)));
  const std::string repeated = option.target.is_repeated ? "*" : "";
  if (option.value.empty()) return single_quoted(fmt::format("{}{}[{}]", repeated, option.name, help));
  return single_quoted(fmt::format("{}{}=[{}]:{}:{}", repeated, option.name, help, escaped(option.value, ":"),
                                   action(tool, option)));
}

std::string arguments_of(const ToolSpec& tool, const CommandSpec& command) {
  std::string text = fmt::format("        {})\n          _arguments -S", command.name);
  for (const OptionSpec& option : command.options) text += " \\\n            " + specification(tool, option);
  for (const OptionSpec& argument : command.arguments)
    text += " \\\n            " + specification(tool, argument);
  return text + "\n          ;;\n";
}

constexpr const char* kFunctions = R"zsh(
# The kind of the names comes last, after what is for compadd.
FUNCTION_names() {
  local -a names=(${(f)"$(_call_program names ${(q)program%-run} list $argv[-1] --names 2>/dev/null)"})
  compadd "${(@)argv[1,-2]}" -a names
}
FUNCTION_jobs() { _alternative 'jobs:bundled job:FUNCTION_names jobs' 'files:file:_files -g "*.y(|a)ml(-.)"' }
FUNCTION_clusters() {
  _alternative 'clusters:bundled cluster:FUNCTION_names clusters' 'files:file:_files -g "*.y(|a)ml(-.)"'
}
FUNCTION_measured() {
  _alternative 'measured:bundled measurement:FUNCTION_names measured' 'files:file:_files -g "*.y(|a)ml(-.)"'
}
FUNCTION_configs() {
  local kind
  for kind in models accelerators clusters jobs measured; do FUNCTION_names $kind; done
  compadd schema
}
FUNCTION_keys() {
  local -A choices=(
WORDS  )
  local -a keys=(KEYS)
  if compset -P '*='; then
    compadd -- ${=choices[${${IPREFIX%=}##*=}]}
  else
    compadd -S = -- $keys
  fi
}

FUNCTION() {
  local curcontext=$curcontext state line program=$words[1]
  local -A opt_args
  _arguments -C OPTIONS '1: :->command' '*:: :->argument'
  case $state in
    command)
      local -a commands=(
COMMANDS      )
      _describe command commands
      ;;
    argument)
      case $line[1] in
ARGUMENTS      esac
      ;;
  esac
}

if [[ $funcstack[1] == FUNCTION ]]; then FUNCTION "$@"; else compdef FUNCTION TOOL; fi
)zsh";

}  // namespace

std::string zsh_completion(const ToolSpec& tool, const std::vector<JobKey>& keys) {
  std::string options;
  for (const OptionSpec& option : tool.options) options += specification(tool, option) + " ";
  std::string commands;
  std::string arguments;
  for (const CommandSpec& command : tool.commands) {
    commands +=
        fmt::format("        {}\n", single_quoted(command.name + ":" + escaped(command.summary, ":\\")));
    arguments += arguments_of(tool, command);
  }
  std::string words;
  std::vector<std::string> paths;
  for (const JobKey& key : keys) {
    paths.push_back(key.path);
    if (!key.words.empty()) words += fmt::format("    {} '{}'\n", key.path, fmt::join(key.words, " "));
  }
  std::string text = fmt::format("#compdef {}\n# Completion of {} in zsh, made from its declarations.\n",
                                 tool.name, tool.name) +
                     kFunctions;
  replace_all(text, "WORDS", words);
  replace_all(text, "KEYS", fmt::format("{}", fmt::join(paths, " ")));
  replace_all(text, "OPTIONS ", options);
  replace_all(text, "COMMANDS", commands);
  replace_all(text, "ARGUMENTS", arguments);
  replace_all(text, "FUNCTION", function_name(tool));
  replace_all(text, "TOOL", tool.name);
  return text;
}

}  // namespace foreshard::cli
