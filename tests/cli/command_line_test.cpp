// What is read out of a command line, on a tool of this test's own; and what the pages say of it.
#include "cli/options/help.hpp"
#include "cli/options/parse_command_line.hpp"
#include "cli/options/target.hpp"
#include "cli/pages/command_reference.hpp"
#include "cli/terminal/usage_error.hpp"
#include "planner/report/table.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard::cli;

namespace {

struct Values {
  std::vector<std::string> jobs{};
  std::string format = "table";
  std::vector<std::string> settings{};
  std::optional<std::string> modes{};
  int steps = 20;
  bool loud = false;
};

ToolSpec make_tool(Values& values) {
  ToolSpec tool{.name = "tool",
                .summary = "A tool.",
                .examples = "tool run\n",
                .commands = {{.name = "run",
                              .summary = "Run it.",
                              .arguments = {{.name = "JOB",
                                             .help = "What to run",
                                             .is_required = true,
                                             .offer = Offer::jobs,
                                             .target = texts(values.jobs)}},
                              .options = {{.name = "--format",
                                           .value = "FORMAT",
                                           .help = "table|json",
                                           .target = word(values.format, {"table", "json"})},
                                          {.name = "--set",
                                           .value = "KEY=VALUE",
                                           .help = "Set",
                                           .target = texts(values.settings)},
                                          {.name = "--modes",
                                           .value = "LIST",
                                           .help = "Modes",
                                           .target = list(values.modes, {"a", "b"})},
                                          {.name = "--steps",
                                           .value = "N",
                                           .help = "Steps",
                                           .target = whole_number(values.steps, {.least = 1, .most = 100})},
                                          {.name = "--loud", .help = "Loudly", .target = flag(values.loud)}},
                              .notes = "Beware\nof it.",
                              .examples = "tool run x\ntool run y --loud\n"},
                             {.name = "rest", .summary = "Rest."}}};
  finish_tool(tool, {});
  return tool;
}

ParsedCommandLine parse(Values& values, std::vector<const char*> words) {
  words.insert(words.begin(), "tool");
  return parse_command_line(make_tool(values), static_cast<int>(words.size()), words.data(), "1.2.3", 80);
}

std::string refusal(std::vector<const char*> words) {
  Values values;
  try {
    parse(values, std::move(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("values reach their targets") {
  Values values;
  const ParsedCommandLine parsed = parse(values, {"run", "x", "--format=json", "--set", "a=1", "y", "--set",
                                                  "b=[1, 2]", "--steps", "7", "--modes", "b,c", "--loud"});
  CHECK(parsed.command == 0);
  CHECK(!parsed.page);
  CHECK(values.jobs == std::vector<std::string>{"x", "y"});
  CHECK(values.format == "json");
  CHECK(values.settings == std::vector<std::string>{"a=1", "b=[1, 2]"});
  CHECK(values.steps == 7);
  CHECK(values.modes == "b,c");  // words that are offered for a list are not the only ones taken
  CHECK(values.loud);
  CHECK(parse(values, {"rest"}).command == 1);
}

TEST_CASE("what is not given stays as it was") {
  Values values;
  parse(values, {"run", "x"});
  CHECK(values.format == "table");
  CHECK(values.steps == 20);
  CHECK(!values.modes);
  CHECK(!values.loud);
}

TEST_CASE("a wrong command line is refused in the same words everywhere") {
  const std::string see = "\nsee: tool run --help";
  CHECK(refusal({"run"}) == "JOB is required" + see);
  CHECK(refusal({"run", "x", "--format", "csv"}) == "--format: 'csv' is none of table, json" + see);
  CHECK(refusal({"run", "x", "--format"}) == "--format has no value" + see);
  CHECK(refusal({"run", "x", "--modes", "--loud"}) ==
        "--modes has no value: LIST is missing before --loud" + see);
  CHECK(refusal({"run", "x", "--modes", ""}) == "--modes is empty; it takes LIST" + see);
  CHECK(refusal({"run", "x", "--modes="}) == "--modes is empty\nsee: tool --help");
  CHECK(refusal({"run", ""}) == "JOB is empty" + see);
  CHECK(refusal({"run", "x", "--steps", "1", "--steps", "2"}) ==
        "--steps is given 2 times; it takes one value" + see);
  CHECK(refusal({"run", "x", "--steps", "-1"}) ==
        "--steps takes a whole number from 1 to 100, not '-1'" + see);
  CHECK(refusal({"run", "x", "--stps", "1"}) == "unknown option '--stps'; did you mean '--steps'?" + see);
  CHECK(refusal({"run", "x", "--loud=maybe"}) == "--loud takes no value" + see);
  CHECK(refusal({"rest", "x"}) == "'x' is one argument too many\nsee: tool rest --help");
  CHECK(refusal({"rum"}) ==
        "unknown command 'rum'; there are run, rest; did you mean 'run'?\nsee: tool --help");
  CHECK(refusal({"help", "rum"}) ==
        "unknown command 'rum'; there are run, rest; did you mean 'run'?\nsee: tool --help");
  CHECK(refusal({}) == "a command is missing: run or rest\nsee: tool --help");
}

TEST_CASE("help and the version are pages") {
  Values values;
  const ToolSpec tool = make_tool(values);
  CHECK(parse(values, {"--help"}).page == help_page(tool, 80));
  CHECK(parse(values, {"help"}).page == help_page(tool, 80));
  CHECK(parse(values, {"run", "--help"}).page == help_page(tool, tool.commands[0], 80));
  CHECK(parse(values, {"help", "run"}).page == help_page(tool, tool.commands[0], 80));
  CHECK(parse(values, {"run", "-h"}).page == help_page(tool, tool.commands[0], 80));
  CHECK(parse(values, {"--version"}).page == "tool 1.2.3\n");
}

TEST_CASE("help says all of it, no wider than it may be") {
  Values values;
  ToolSpec tool = make_tool(values);
  CHECK(help_page(tool, tool.commands[0], 80) ==
        "Run it.\n"
        "Usage: tool run [options] JOB...\n"
        "\n"
        "Arguments:\n"
        "  JOB...                What to run\n"
        "\n"
        "Options:\n"
        "  -h, --help            Print this help\n"
        "  --format FORMAT       table|json\n"
        "  --set KEY=VALUE       Set\n"
        "  --modes LIST          Modes\n"
        "  --steps N             Steps\n"
        "  --loud                Loudly\n"
        "\n"
        "Beware of it.\n"
        "\n"
        "Example:\n"
        "  tool run x\n"
        "  tool run y --loud\n"
        "\n"
        "Exit codes:\n"
        "  0  done\n"
        "  1  the answer is no: a job does not fit, a run is not as predicted\n"
        "  2  the input or the command line is wrong\n"
        "  3  the machine failed\n");
  // 24 columns of names leave 16 of 40: "word word word" and no fourth one.
  tool.commands[1].options.push_back({.name = "--long", .help = "word word word word"});
  CHECK_THAT(help_page(tool, tool.commands[1], 40),
             ContainsSubstring("  --long                word word word\n                        word\n"));
}

TEST_CASE("the reference of commands says all of it") {
  Values values;
  const std::string text = command_reference({make_tool(values)});
  CHECK_THAT(text, ContainsSubstring("\n### tool run\n\nRun it.\n\n```\ntool run [options] JOB...\n```\n"));
  CHECK_THAT(text, ContainsSubstring("| `JOB` | **Required.** What to run |\n"));
  CHECK_THAT(text, ContainsSubstring("| `-h, --help` | Print this help |\n"));
  CHECK_THAT(text, ContainsSubstring("| `--format FORMAT` | table\\|json |\n"));
  CHECK_THAT(text,
             ContainsSubstring("\nBeware\nof it.\n\nExamples:\n\n```\ntool run x\ntool run y --loud\n```\n"));
  CHECK_THAT(text, ContainsSubstring("\n## Exit codes\n\n```\n0  done\n"));
}
