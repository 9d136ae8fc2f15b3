#include "planner/spec/yaml/diagnostic.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {
Diagnostic diagnostic_of(const std::string& file, int line, int column, const std::string& message,
                         const std::string& line_text) {
  Diagnostic diagnostic;
  diagnostic.mark.file = file;
  diagnostic.mark.line = line;
  diagnostic.mark.column = column;
  diagnostic.message = message;
  diagnostic.line_text = line_text;
  return diagnostic;
}
}  // namespace

TEST_CASE("a complaint shows its line with a caret and what is allowed") {
  Diagnostic diagnostic = diagnostic_of("my.yaml", 7, 19, "6 does not divide the model's 64 heads",
                                        "parallelism: {tp: 6, pp: 4}");
  diagnostic.path = "parallelism.tp";
  diagnostic.allowed = "allowed here: 1, 2, 4, 8";
  CHECK(format_diagnostic(diagnostic) ==
        "my.yaml:7:19: error: parallelism.tp: 6 does not divide the model's 64 heads\n"
        "    7 | parallelism: {tp: 6, pp: 4}\n"
        "      |                   ^ allowed here: 1, 2, 4, 8\n");
}

TEST_CASE("a complaint without a line stands on one") {
  Diagnostic diagnostic = diagnostic_of("--set parallelism.tp=6", 0, 0, "6 is wrong", "");
  diagnostic.path = "parallelism.tp";
  diagnostic.allowed = "write 4";
  CHECK(format_diagnostic(diagnostic) ==
        "--set parallelism.tp=6: error: parallelism.tp: 6 is wrong; write 4\n");
  diagnostic.message = "wrong; did you mean 4?";
  CHECK(format_diagnostic(diagnostic) ==
        "--set parallelism.tp=6: error: parallelism.tp: wrong; did you mean 4? (write 4)\n");
  CHECK(format_diagnostic(diagnostic_of("", 0, 0, "nothing is there", "")) == "error: nothing is there\n");
}

TEST_CASE("the caret stands under its character whatever comes before") {
  CHECK(format_diagnostic(diagnostic_of("a.yaml", 1, 3, "no", "\tä: 1")) ==
        "a.yaml:1:3: error: no\n"
        "    1 | \tä: 1\n"
        "      | \t ^\n");
}

TEST_CASE("of a long line only a window is shown") {
  // The window is 90 characters wide and the caret 45 into it: characters 155 … 244 of the line, from 0.
  const std::string line(400, 'x');
  CHECK(format_diagnostic(diagnostic_of("a.yaml", 1, 201, "no", line)) ==
        "a.yaml:1:201: error: no\n"
        "    1 | …" +
            std::string(90, 'x') + "…\n      | " + std::string(46, ' ') + "^\n");
}

TEST_CASE("control characters of the file do not reach the terminal") {
  CHECK(format_diagnostic(diagnostic_of("a.yaml", 1, 1, "no", "\x1b[31mred")) ==
        "a.yaml:1:1: error: no\n    1 | ?[31mred\n      | ^\n");
}

TEST_CASE("the nearest word is the one with the fewest edits") {
  const std::vector<std::string> keys{"sequence_length", "global_batch", "micro_batch", "tp", "dp"};
  CHECK(nearest("sequence_lenght", keys) == "sequence_length");
  CHECK(nearest("mirco_batch", keys) == "micro_batch");
  CHECK(nearest("TP", keys) == "tp");
  CHECK(nearest("tpp", keys) == "tp");
  CHECK(nearest("global", keys) == "global_batch");  // a beginning
  CHECK_FALSE(nearest("colour", keys).has_value());
  CHECK_FALSE(nearest("", keys).has_value());
  CHECK_FALSE(nearest(std::string(100'000, 'a'), keys).has_value());
}
