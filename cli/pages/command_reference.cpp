#include "cli/pages/command_reference.hpp"

#include <fmt/format.h>

#include "planner/report/markdown.hpp"

namespace foreshard::cli {
namespace {

std::string row(const OptionDescription& option) {
  std::string names = option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
  if (!option.value.empty()) names += " " + option.value;
  const char* const required = option.is_required ? "**Required.** " : "";
  return fmt::format("| `{}` | {}{} |\n", report::markdown_cell(names), required,
                     report::markdown_cell(option.help));
}

std::string section(const ToolDescription& tool, const CommandDescription& command) {
  std::string text = fmt::format("\n### {} {}\n\n{}\n\n```\n{}\n```\n\n| option | meaning |\n| --- | --- |\n",
                                 tool.name, command.name, command.summary, usage(tool, command));
  for (const OptionDescription& argument : command.arguments) text += row(argument);
  for (const OptionDescription& option : command.options) text += row(option);
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

std::string command_reference(const std::vector<ToolDescription>& tools) {
  std::string text = kIntroduction;
  for (const ToolDescription& tool : tools) {
    text += fmt::format("\n## {}\n\n{}\n\n| option | meaning |\n| --- | --- |\n", tool.name, tool.summary);
    for (const OptionDescription& option : tool.options) text += row(option);
    for (const CommandDescription& command : tool.commands) text += section(tool, command);
  }
  text += fmt::format("\n## Exit codes\n\n```\n{}```\n", tools.front().exit_codes);
  return text;
}

}  // namespace foreshard::cli
