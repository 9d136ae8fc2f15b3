#include "cli/pages/tool_description.hpp"

#include <string_view>

#include "cli/options/command_line.hpp"

namespace foreshard::cli {
namespace {

OptionDescription describe(CLI::Option& option) {
  OptionDescription description;
  const bool is_argument = option.get_positional();
  const std::string long_name = option.get_lnames().empty() ? "" : "--" + option.get_lnames().front();
  description.name = is_argument ? option.get_name(true) : long_name;
  if (!option.get_snames().empty()) description.short_name = "-" + option.get_snames().front();
  if (!is_argument && option.get_items_expected_max() > 0) description.value = option.get_option_text();
  description.help = option.get_description();
  description.is_required = option.get_required();
  description.is_repeated = option.get_expected_max() > 1;
  description.offered = offered_values(option);
  return description;
}

/// The lines of an indented block without their indent.
std::string unindented(std::string_view block) {
  std::string text;
  while (!block.empty()) {
    const std::size_t end = std::min(block.find('\n'), block.size());
    std::string_view line = block.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    text.append(line).append("\n");
    block.remove_prefix(std::min(end + 1, block.size()));
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

/// A footer is notes, "Example:" and command lines, "Exit codes:".
void split_footer(const std::string& footer, CommandDescription& command) {
  constexpr std::string_view kHeading = "Example:\n";
  std::string_view text(footer);
  text = trimmed(text.substr(0, text.find(std::string_view(kExitCodes))));
  const std::size_t examples = text.find(kHeading);
  command.notes = trimmed(text.substr(0, examples));
  if (examples != std::string_view::npos)
    command.examples = unindented(text.substr(examples + kHeading.size()));
}

CommandDescription describe_command(CLI::App& app) {
  CommandDescription command{.name = app.get_name(), .summary = app.get_description()};
  for (CLI::Option* option : app.get_options([](CLI::Option*) { return true; })) {
    auto& list = option->get_positional() ? command.arguments : command.options;
    list.push_back(describe(*option));
  }
  split_footer(app.get_footer(), command);
  return command;
}

}  // namespace

ToolDescription describe(CLI::App& app) {
  const CommandDescription itself = describe_command(app);
  ToolDescription tool{.name = app.get_name(), .summary = itself.summary, .options = itself.options};
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    tool.commands.push_back(describe_command(*command));
  const std::string codes = kExitCodes;
  tool.exit_codes = unindented(codes.substr(codes.find('\n') + 1));
  return tool;
}

std::string usage(const ToolDescription& tool, const CommandDescription& command) {
  std::string text = tool.name + " " + command.name + " [options]";
  for (const OptionDescription& argument : command.arguments) {
    const std::string name = argument.name + (argument.is_repeated ? "..." : "");
    text += argument.is_required ? " " + name : " [" + name + "]";
  }
  return text;
}

}  // namespace foreshard::cli
