#include "cli/options/help.hpp"

#include <string_view>

#include <fmt/format.h>

#include "planner/report/table.hpp"

namespace foreshard::cli {
namespace {

constexpr std::size_t kColumn = 24;  // column at which the meaning of an option begins

std::string paragraph(std::string_view text, std::size_t width) {
  std::string lines;
  for (const std::string& line : report::wrapped(text, 0, 0, width)) lines += line + '\n';
  return lines;
}

/// A name, followed at a fixed column by its meaning. If the name is too long, the meaning begins on the next
/// line.
std::string entry(const std::string& name, std::string_view help, std::size_t width) {
  std::string text = "  " + name;
  const std::size_t reached = report::display_width(text);
  text += reached + 2 > kColumn ? '\n' + std::string(kColumn, ' ') : std::string(kColumn - reached, ' ');
  const auto lines = report::wrapped(help, 0, 0, width - kColumn);
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += (i == 0 ? "" : std::string(kColumn, ' ')) + lines[i] + '\n';
  return text;
}

std::string entry(const OptionSpec& option, std::size_t width) {
  std::string name = option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
  if (!option.value.empty()) name += " " + option.value;
  if (option.value.empty() && option.target.is_repeated) name += "...";
  const bool says_required = option.is_required && option.name.starts_with('-');
  return entry(name, says_required ? option.help + "; required" : option.help, width);
}

std::string block(std::string_view heading, const std::vector<OptionSpec>& options, std::size_t width) {
  if (options.empty()) return {};
  std::string text = fmt::format("\n{}:\n", heading);
  for (const OptionSpec& option : options) text += entry(option, width);
  return text;
}

std::string indented(std::string_view heading, std::string_view lines) {
  if (lines.empty()) return {};
  std::string text = fmt::format("\n{}:\n", heading);
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    text += fmt::format("  {}\n", lines.substr(0, end));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  return text;
}

std::string exit_codes(std::size_t width) {
  constexpr std::size_t kMeaning = 5;  // "  0  done"
  std::string text = "\nExit codes:\n";
  for (std::string_view rest = kExitCodes; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const auto lines = report::wrapped(line.substr(1), kMeaning, kMeaning, width);
    text += fmt::format("  {}  {}\n", line.front(), std::string_view(lines.front()).substr(kMeaning));
    for (std::size_t i = 1; i < lines.size(); ++i) text += lines[i] + '\n';
  }
  return text;
}

}  // namespace

std::string usage(const ToolSpec& tool, const CommandSpec& command) {
  std::string text = tool.name + " " + command.name + " [options]";
  for (const OptionSpec& argument : command.arguments) {
    const std::string name = argument.name + (argument.target.is_repeated ? "..." : "");
    text += argument.is_required ? " " + name : " [" + name + "]";
  }
  return text;
}

std::string help_page(const ToolSpec& tool, std::size_t width) {
  std::string text = paragraph(tool.summary, width) + fmt::format("Usage: {} [options] COMMAND\n", tool.name);
  text += block("Options", tool.options, width) + "\nCommands:\n";
  for (const CommandSpec& command : tool.commands) text += entry(command.name, command.summary, width);
  return text + indented("Example", tool.examples) + exit_codes(width);
}

std::string help_page(const ToolSpec& tool, const CommandSpec& command, std::size_t width) {
  std::string text = paragraph(command.summary, width) + fmt::format("Usage: {}\n", usage(tool, command));
  text += block("Arguments", command.arguments, width) + block("Options", command.options, width);
  if (!command.notes.empty()) text += "\n" + paragraph(command.notes, width);
  return text + indented("Example", command.examples) + exit_codes(width);
}

}  // namespace foreshard::cli
