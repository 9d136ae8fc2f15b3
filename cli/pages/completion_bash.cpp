#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/pages/completion.hpp"

namespace foreshard::cli {
namespace {

/// What a value may be, in the script's words: "list clusters", "words table json csv", or "free" if nothing
/// is known.
std::string value_words(const OptionSpec& option) {
  const std::string list = option.takes_list() ? "list " : "";
  if (!option.target.words.empty())
    return fmt::format("{}words {}", list, fmt::join(option.target.words, " "));
  return list + (option.offer == Offer::nothing ? "free" : std::string(word_for(option.offer)));
}

std::string option_names(const std::vector<OptionSpec>& options) {
  std::vector<std::string> names;
  for (const OptionSpec& option : options) names.push_back(option.name);
  return fmt::format("{}", fmt::join(names, " "));
}

/// The tables that the completion engine below uses: commands, options, values, keys.
std::string tables(const ToolSpec& tool, const std::vector<JobKey>& keys) {
  std::vector<std::string> commands;
  std::string options;
  std::string values;
  for (const CommandSpec& command : tool.commands) {
    commands.push_back(command.name);
    options += fmt::format("    {}) echo '{}' ;;\n", command.name, option_names(command.options));
    if (!command.arguments.empty())
      values +=
          fmt::format("    '{} ') echo '{}' ;;\n", command.name, value_words(command.arguments.front()));
    for (const OptionSpec& option : command.options) {
      if (!option.value.empty())
        values += fmt::format("    '{} {}') echo '{}' ;;\n", command.name, option.name, value_words(option));
    }
  }
  std::vector<std::string> paths;
  std::string words;
  for (const JobKey& key : keys) {
    paths.push_back(key.path + "=");
    if (!key.words.empty())
      words += fmt::format("    {}) echo '{}' ;;\n", key.path, fmt::join(key.words, " "));
  }
  return fmt::format(
      "# Of a command, or of the tool.\n"
      "FUNCTION_options() {{\n  case $1 in\n{}    *) echo '{}' ;;\n  esac\n}}\n\n"
      "# What stands for the value of a command's option, or for its argument: a kind and, of kind words, "
      "these.\n"
      "FUNCTION_value() {{\n  case \"$1 $2\" in\n{}  esac\n}}\n\n"
      "FUNCTION_key_words() {{\n  case $1 in\n{}  esac\n}}\n\n"
      "FUNCTION_commands='{}'\n"
      "FUNCTION_keys='{}'\n",
      options, option_names(tool.options), values, words, fmt::join(commands, " "), fmt::join(paths, " "));
}

constexpr const char* kEngine = R"bash(
FUNCTION_names() {
  local program=${COMP_WORDS[0]/#\~/$HOME}
  "${program%-run}" list "$1" --names 2>/dev/null
}

# What may stand there, in COMPREPLY: words that begin with $3, after the prefix $2.
FUNCTION_offer() {
  local candidates= prefix=$2 begun=$3
  # shellcheck disable=SC2086
  set -- $1
  if [[ $1 == list ]]; then
    shift
    [[ $begun == *,* ]] && prefix+=${begun%,*}, begun=${begun##*,}
  fi
  case $1 in
    words) candidates=${*:2} ;;
    configs) candidates="$(for kind in models accelerators clusters jobs measured; do FUNCTION_names $kind; done) schema" ;;
    jobs | clusters | measured)
      candidates=$(FUNCTION_names "$1")
      compopt -o filenames 2>/dev/null
      ;;
    keys)
      if [[ $begun == *=* ]]; then
        candidates=$(FUNCTION_key_words "${begun%%=*}")
        prefix+=${begun%%=*}= begun=${begun#*=}
      else
        candidates=$FUNCTION_keys
        compopt -o nospace 2>/dev/null
      fi
      ;;
    files) compopt -o filenames 2>/dev/null ;;
  esac
  mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$candidates" -- "$begun")
  case $1 in
    jobs | clusters | measured | files)
      local -a files
      mapfile -t files < <(compgen -P "$prefix" -f -- "$begun")
      COMPREPLY+=("${files[@]}")
      ;;
  esac
}

FUNCTION() {
  # As blanks divide the line: readline also divides at = and :, which values hold.
  local line=${COMP_LINE:0:COMP_POINT} command= word before current
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=${words[-1]}
  before=${words[-2]}
  for word in "${words[@]:1:${#words[@]}-2}"; do
    [[ $word == -* ]] || { command=$word && break; }
  done

  COMPREPLY=()
  if [[ $current == --*=* ]]; then
    FUNCTION_offer "$(FUNCTION_value "$command" "${current%%=*}")" "${current%%=*}=" "${current#*=}"
  elif [[ $before == --* && -n $(FUNCTION_value "$command" "$before") ]]; then
    FUNCTION_offer "$(FUNCTION_value "$command" "$before")" '' "$current"
  elif [[ $current == -* ]]; then
    FUNCTION_offer "words $(FUNCTION_options "$command")" '' "$current"
  elif [[ -z $command ]]; then
    FUNCTION_offer "words $FUNCTION_commands" '' "$current"
  else
    FUNCTION_offer "$(FUNCTION_value "$command" '')" '' "$current"
  fi

  # Readline replaces what stands after the last =.
  if [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*=}"}"}")
  fi
}
complete -F FUNCTION TOOL
)bash";

}  // namespace

std::string bash_completion(const ToolSpec& tool, const std::vector<JobKey>& keys) {
  std::string text =
      "# Completion of TOOL in bash, made from its declarations.\n\n" + tables(tool, keys) + kEngine;
  replace_all(text, "FUNCTION", function_name(tool));
  replace_all(text, "TOOL", tool.name);
  return text;
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

std::string function_name(const ToolSpec& tool) {
  std::string name = "_" + tool.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace foreshard::cli
