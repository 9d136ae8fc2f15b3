// What is read out of the declarations of a command line, on a tool of this test's own.
#include "cli/pages/tool_description.hpp"

#include "cli/options/command_line.hpp"
#include "cli/pages/command_reference.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard::cli;

namespace {

struct Values {
  std::vector<std::string> jobs{};
  std::string format{};
  std::vector<std::string> settings{};
  std::string list{};
  bool loud = false;
};

ToolDescription described(CLI::App& app, Values& values) {
  app.description("A tool.");
  describe_tool(app, "tool", "Example:\n  tool run\n\n");
  CLI::App* run = app.add_subcommand("run", "Run it.");
  run->add_option("JOB", values.jobs, "What to run")
      ->required()
      ->check(offers(kOfferJobs))
      ->option_text("...");
  run->add_option("--format", values.format, "table|json")
      ->check(one_of({"table", "json"}))
      ->option_text("FORMAT");
  run->add_option("--set", values.settings, "Set")->allow_extra_args(false)->option_text("KEY=VALUE");
  run->add_option("--modes", values.list, "Modes")->check(offers({"a", "b"}))->option_text("LIST");
  run->add_flag("--loud", values.loud, "Loudly");
  run->footer("Beware\nof it.\n\nExample:\n  tool run x\n  tool run y --loud\n\n" + std::string(kExitCodes));
  finish_tool(app);
  return describe(app);
}

}  // namespace

TEST_CASE("a description holds what was declared") {
  CLI::App app;
  Values values;
  const ToolDescription tool = described(app, values);
  CHECK(tool.name == "tool");
  CHECK(tool.summary == "A tool.");
  REQUIRE(tool.commands.size() == 1);
  const CommandDescription& run = tool.commands.front();
  CHECK(usage(tool, run) == "tool run [options] JOB...");
  CHECK(run.notes == "Beware\nof it.");
  CHECK(run.examples == "tool run x\ntool run y --loud\n");
  REQUIRE(run.arguments.size() == 1);
  CHECK(run.arguments.front().offered.kind == "jobs");
  CHECK(run.arguments.front().is_repeated);
  REQUIRE(run.options.size() == 5);
  CHECK(run.options[0].short_name == "-h");
  CHECK(run.options[1].value == "FORMAT");
  CHECK(run.options[1].offered.words == std::vector<std::string>{"table", "json"});
  CHECK(!run.options[1].is_repeated);
  CHECK(run.options[2].is_repeated);
  CHECK(run.options[3].takes_list());
  CHECK(run.options[3].offered.words == std::vector<std::string>{"a", "b"});
  CHECK(run.options[4].value.empty());
  CHECK(tool.exit_codes.substr(0, 8) == "0  done\n");
}

TEST_CASE("words that are offered are not the only ones taken, words of one_of are") {
  CLI::App app;
  Values values;
  described(app, values);
  CHECK_NOTHROW(app.parse("run x --modes a,b --format json"));
  CHECK(values.list == "a,b");
  CHECK_THROWS_AS(app.parse("run x --format csv"), CLI::ValidationError);
}

TEST_CASE("the reference of commands says all of it") {
  CLI::App app;
  Values values;
  const std::string text = command_reference({described(app, values)});
  CHECK_THAT(text, ContainsSubstring("\n### tool run\n\nRun it.\n\n```\ntool run [options] JOB...\n```\n"));
  CHECK_THAT(text, ContainsSubstring("| `JOB` | **Required.** What to run |\n"));
  CHECK_THAT(text, ContainsSubstring("| `--format FORMAT` | table\\|json |\n"));
  CHECK_THAT(text,
             ContainsSubstring("\nBeware\nof it.\n\nExamples:\n\n```\ntool run x\ntool run y --loud\n```\n"));
  CHECK_THAT(text, ContainsSubstring("\n## Exit codes\n\n```\n0  done\n"));
}
