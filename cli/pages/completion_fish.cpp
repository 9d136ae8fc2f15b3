#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/pages/completion.hpp"

namespace foreshard::cli {
namespace {

/// Quotes text in single quotes.
std::string single_quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe + "'";
}

/// The flags of `complete` that say what a value or an argument may be.
std::string values(const ToolSpec& tool, const OptionSpec& option) {
  const Offer offer = option.offer;
  const bool are_files =
      offer == Offer::files || offer == Offer::jobs || offer == Offer::clusters || offer == Offer::measured;
  std::string words = fmt::format("{}", fmt::join(option.target.words, " "));
  if (offer != Offer::nothing && offer != Offer::files)
    words = fmt::format("(_{}_{})", function_name(tool), word_for(offer));
  if (option.takes_list() && !words.empty()) words = fmt::format("(__fish_append , {})", words);
  return std::string(are_files ? " -F" : " -f") + (words.empty() ? "" : " -a " + single_quoted(words));
}

std::string option_line(const ToolSpec& tool, const std::string& condition, const OptionSpec& option) {
  std::string line =
      fmt::format("complete -c {} -n {} -l {}", tool.name, single_quoted(condition), option.name.substr(2));
  if (!option.short_name.empty()) line += " -s " + option.short_name.substr(1);
  if (!option.value.empty()) line += " -r" + values(tool, option);
  return line + " -d " + single_quoted(option.help) + "\n";
}

std::string key_lines(const std::vector<JobKey>& keys) {
  std::vector<std::string> words;
  for (const JobKey& key : keys) {
    words.push_back(key.path + "=");
    for (const std::string& word : key.words) words.push_back(key.path + "=" + word);
  }
  return fmt::format("    string split ' ' {}\n", single_quoted(fmt::format("{}", fmt::join(words, " "))));
}

}  // namespace

std::string fish_completion(const ToolSpec& tool, const std::vector<JobKey>& keys) {
  const std::string function = "_" + function_name(tool);
  std::string text = fmt::format(
      "# Completion of {0} in fish, made from its declarations.\n\n"
      "function {1}_names\n"
      "    set -l words (commandline -opc)\n"
      "    set -l program (string replace -r -- '-run$' '' $words[1])\n"
      "    for kind in $argv\n"
      "        command $program list $kind --names 2>/dev/null\n"
      "    end\n"
      "end\n"
      "function {1}_jobs; {1}_names jobs; end\n"
      "function {1}_clusters; {1}_names clusters; end\n"
      "function {1}_measured; {1}_names measured; end\n"
      "function {1}_configs; {1}_names models accelerators clusters jobs measured; echo schema; end\n"
      "function {1}_keys\n{2}end\n\n"
      "complete -c {0} -f\n",
      tool.name, function, key_lines(keys));
  for (const OptionSpec& option : tool.options) text += option_line(tool, "__fish_use_subcommand", option);
  for (const CommandSpec& command : tool.commands) {
    const std::string condition = "__fish_seen_subcommand_from " + command.name;
    text += fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d {}\n", tool.name, command.name,
                        single_quoted(command.summary));
    for (const OptionSpec& option : command.options) text += option_line(tool, condition, option);
    for (const OptionSpec& argument : command.arguments)
      text += fmt::format("complete -c {} -n {}{}\n", tool.name, single_quoted(condition),
                          values(tool, argument));
  }
  return text;
}

}  // namespace foreshard::cli
