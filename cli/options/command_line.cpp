#include "cli/options/command_line.hpp"

#include <algorithm>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/options/offers.hpp"
#include "planner/report/table.hpp"
#include "planner/spec/yaml/diagnostic.hpp"

namespace foreshard::cli {
namespace {

/// The sub-command that was recognised, or the tool itself.
const CLI::App& chosen(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? app : *commands.front();
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

constexpr std::size_t kColumn = 24;  // where what an option means begins

std::string folded(const std::string& text) {
  return fmt::format("{}", fmt::join(report::wrapped(text, 0, 0, report::kWidth - kColumn), "\n"));
}

/// Help no wider than a page.
class WrappedHelp : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return folded(option->get_description());
  }
  std::string make_subcommand(const CLI::App* command) const override {
    std::ostringstream line;
    CLI::detail::format_help(line, command->get_name(), folded(command->get_description()), kColumn);
    return line.str();
  }
};

}  // namespace

void describe_tool(CLI::App& app, const std::string& name, const std::string& example) {
  app.name(name);
  app.formatter(std::make_shared<WrappedHelp>());
  app.get_formatter()->column_width(kColumn);
  app.get_formatter()->label("OPTIONS", "options");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Positionals", "Arguments");
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", name + " " FORESHARD_VERSION, "Print the version");
  app.footer(example + kExitCodes);
}

void finish_tool(CLI::App& app) {
  for (CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) each->group("Commands");
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("; did you mean '{}'?", *near) : std::string{};
}

CLI::Validator one_of(const std::vector<std::string>& allowed) {
  const auto check = [allowed](const std::string& value) {
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return std::string{};
    return fmt::format("'{}' is none of {}{}", value, fmt::join(allowed, ", "), suggestion(value, allowed));
  };
  return CLI::Validator(check, fmt::format("{}", fmt::join(allowed, " ")), kWordsValidator);
}

std::string missing_command(const CLI::App& app) {
  std::vector<std::string> names = command_names(app);
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("a command is missing: {} or {}; see: {} --help", fmt::join(names, ", "), last,
                     app.get_name());
}

std::string describe_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& at = chosen(app);
  const std::vector<std::string> unknown = at.remaining();
  if (unknown.empty()) return error.what();
  const std::string& word = unknown.front();
  if (word.starts_with('-')) {
    const std::string name = word.substr(0, word.find('='));
    return fmt::format("unknown option '{}'{}", name, suggestion(name, option_names(at)));
  }
  if (&at == &app) {
    const auto names = command_names(app);
    return fmt::format("unknown command '{}'; there are {}{}", word, fmt::join(names, ", "),
                       suggestion(word, names));
  }
  return fmt::format("'{}' is one argument too many", word);
}

std::string help_command(const CLI::App& app) {
  const CLI::App& at = chosen(app);
  return &at == &app ? fmt::format("{} --help", app.get_name())
                     : fmt::format("{} {} --help", app.get_name(), at.get_name());
}

}  // namespace foreshard::cli
