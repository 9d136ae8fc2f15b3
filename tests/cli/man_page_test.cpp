#include "cli/pages/man_page.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard::cli;

TEST_CASE("a manual page escapes what roff would take for its own") {
  const ToolSpec tool{.name = "foreshard",
                      .summary = "Plan it.",
                      .options = {{.name = "--help", .short_name = "-h", .help = "Help"}},
                      .commands = {{.name = "run",
                                    .summary = "Run it.",
                                    .options = {{.name = "--all-in", .value = "C:\\X", .help = ".hidden"}},
                                    .notes = "first\n'second'",
                                    .examples = "foreshard run --all-in x\n"}}};
  const std::string page = man_page(tool, "1.2.3");
  CHECK_THAT(page, ContainsSubstring(
                       ".TH FORESHARD 1 \"\" \"foreshard 1.2.3\" \"User Commands\"\n.ad l\n.nh\n.SH NAME\n"));
  CHECK_THAT(page, ContainsSubstring(".SH NAME\nforeshard \\- plan it\n"));
  CHECK_THAT(page, ContainsSubstring(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nHelp\n"));
  CHECK_THAT(page, ContainsSubstring(".SS foreshard run [options]\nRun it.\n"));
  CHECK_THAT(page, ContainsSubstring(".TP\n\\fB\\-\\-all\\-in\\fR \\fIC:\\eX\\fR\n\\&.hidden\n"));
  CHECK_THAT(page, ContainsSubstring(".PP\nfirst\n\\&'second'\n"));
  CHECK_THAT(page, ContainsSubstring(".nf\nforeshard run \\-\\-all\\-in x\n.fi\n"));
  CHECK_THAT(page, ContainsSubstring(".SH EXIT STATUS\n.TP\n.B 0\ndone\n"));
  CHECK_THAT(page, ContainsSubstring(".SH FILES\n.TP\n.I ../share/foreshard/configs\n"));
}
