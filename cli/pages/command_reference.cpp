#include "cli/pages/command_reference.hpp"

#include <fmt/format.h>

#include "cli/options/help.hpp"
#include "planner/report/markdown.hpp"

namespace foreshard::cli {
namespace {

std::string row(const OptionSpec& option) {
  std::string names = option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
  if (!option.value.empty()) names += " " + option.value;
  const char* const required = option.is_required ? "**Required.** " : "";
  return fmt::format("| `{}` | {}{} |\n", report::markdown_cell(names), required,
                     report::markdown_cell(option.help));
}

std::string section(const ToolSpec& tool, const CommandSpec& command) {
  std::string text = fmt::format("\n### {} {}\n\n{}\n\n```\n{}\n```\n\n| option | meaning |\n| --- | --- |\n",
                                 tool.name, command.name, command.summary, usage(tool, command));
  for (const OptionSpec& argument : command.arguments) text += row(argument);
  for (const OptionSpec& option : command.options) text += row(option);
  if (!command.notes.empty()) text += "\n" + command.notes + "\n";
  if (!command.examples.empty()) text += fmt::format("\nExamples:\n\n```\n{}```\n", command.examples);
  return text;
}

constexpr const char* kIntroduction =
    "# Commands\n"
    "\n"
    "<!-- Written by scripts/update_reference.sh from the declarations in cli. -->\n"
    "\n"
    "What `--help` says, in one page. The keys that `--set` takes: [keys](keys.md).\n";

}  // namespace

std::string command_reference(const std::vector<ToolSpec>& tools) {
  std::string text = kIntroduction;
  for (const ToolSpec& tool : tools) {
    text += fmt::format("\n## {}\n\n{}\n\n| option | meaning |\n| --- | --- |\n", tool.name, tool.summary);
    for (const OptionSpec& option : tool.options) text += row(option);
    for (const CommandSpec& command : tool.commands) text += section(tool, command);
  }
  text += fmt::format("\n## Exit codes\n\n```\n{}```\n", kExitCodes);
  return text;
}

}  // namespace foreshard::cli
