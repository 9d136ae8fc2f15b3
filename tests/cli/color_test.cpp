#include "cli/terminal/color.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard::cli;

TEST_CASE("verdicts are coloured, wherever their lines are broken, and nothing else") {
  CHECK(colored_table("46.3% MFU. It\n  fits: 48.2") == "46.3% MFU. \033[32mIt\n  fits\033[0m: 48.2");
  CHECK(colored_table("It does not\n  fit: stage 0") == "\033[31mIt does not\n  fit\033[0m: stage 0");
  CHECK(colored_table("tp 4 does not fit") == "tp 4 does not fit");
  CHECK(colored_table("  ✗ 1,289.3  ✗ 82.6  48.2") ==
        "  \033[31m✗ 1,289.3\033[0m  \033[31m✗ 82.6\033[0m  48.2");
  CHECK(colored_table("✗ tp 3: 3") == "\033[31m✗\033[0m tp 3: 3");
  CHECK(colored_table("Best: tp 8, by 3%") == "\033[1;32mBest: tp 8\033[0m, by 3%");
  CHECK(colored_table("The prediction does not hold within 1%") ==
        "\033[31mThe prediction does not hold\033[0m within 1%");
  CHECK(colored_table("planned ✓\n") == "planned \033[32m✓\033[0m\n");
}

TEST_CASE("complaints show where they begin") {
  CHECK(colored_complaints("a.yaml:1:2: error: x\n    1 | error\n") ==
        "a.yaml:1:2: \033[31merror:\033[0m x\n    1 | error\n");
}

TEST_CASE("what is said about colour holds whatever the terminal") {
  CHECK(wants_color({.when = "always"}, 1));
  CHECK(!wants_color({.when = "never"}, 1));
}
