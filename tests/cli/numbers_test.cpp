#include "cli/options/numbers.hpp"

#include "cli/options/value_list.hpp"
#include "cli/terminal/usage_error.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard::cli;

namespace {

/// What is said of a text that is refused; empty where it is taken.
template <class Read>
std::string refusal(Read read) {
  try {
    read();
  } catch (const UsageError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("whole numbers are taken within their bounds, and nothing else is") {
  const WholeBounds bounds{.least = 1, .most = 1'000'000};
  CHECK(parse_whole("--steps", "1", bounds) == 1);
  CHECK(parse_whole("--steps", "1000000", bounds) == 1'000'000);
  const std::string text =
      GENERATE("", "x", "0", "1000001", "-3", "1.5", "5 ", " 5", "5x", "nan", "99999999999999999999");
  INFO("'" << text << "'");
  CHECK(refusal([&] { parse_whole("--steps", text, bounds); }) ==
        "--steps takes a whole number from 1 to 1,000,000, not '" + text + "'");
}

TEST_CASE("numbers are taken within their bounds, and nothing else is") {
  const Bounds bounds{.least = 1.0, .most = 1e6};
  CHECK(parse_number("--timeout", "2.5", bounds, "a number of seconds") == 2.5);
  CHECK(parse_number("--timeout", "1e6", bounds, "a number of seconds") == 1e6);
  const std::string text = GENERATE("", "nan", "inf", "-inf", "0.999", "1e7", "1e999", "5s", "-5");
  INFO("'" << text << "'");
  CHECK(refusal([&] { parse_number("--timeout", text, bounds, "a number of seconds"); }) ==
        "--timeout takes a number of seconds from 1 to 1,000,000, not '" + text + "'");
}

TEST_CASE("a share is a percentage or a fraction below 1") {
  const Bounds bounds{.least = 0.0, .most = 1.0};
  CHECK(parse_share("--spread", "0.5%", bounds) == 0.005);
  CHECK(parse_share("--spread", "0.5", bounds) == 0.5);
  CHECK(parse_share("--spread", "100%", bounds) == 1.0);
  CHECK(parse_share("--spread", "0", bounds) == 0.0);
  const std::string text = GENERATE("", "%", "nan", "nan%", "inf%", "100.1%", "-1%", "-0.1", "1%%", "2 %");
  INFO("'" << text << "'");
  CHECK(refusal([&] { parse_share("--spread", text, bounds); }) ==
        "--spread takes a share from 0 to 100%, such as 10% or 0.1, not '" + text + "'");
}

TEST_CASE("a share of 1 or more needs its sign, because it may mean either") {
  const Bounds bounds{.least = 0.0, .most = 1.0};
  CHECK(refusal([&] { parse_share("--tolerance", "10", bounds); }) ==
        "--tolerance '10' is not clear: write 10%, or a fraction below 1 such as 0.1");
  CHECK(refusal([&] { parse_share("--tolerance", "1", bounds); }) ==
        "--tolerance '1' is not clear: write 1%, or a fraction below 1 such as 0.01");
}

TEST_CASE("a share below what an option allows is refused") {
  CHECK(refusal([&] { parse_share("--degrade", "1e-300", {.least = 0.001, .most = 1.0}); }) ==
        "--degrade takes a share from 0.1 to 100%, such as 10% or 0.1, not '1e-300'");
}

TEST_CASE("a range in a list doubles, and counts from 0 on") {
  using Numbers = std::vector<std::int64_t>;
  const WholeBounds degrees{.least = 1, .most = 1024};
  CHECK(parse_whole_list("--tp", "1-8", degrees) == Numbers{1, 2, 4, 8});
  CHECK(parse_whole_list("--tp", "3-20", degrees) == Numbers{3, 6, 12});
  CHECK(parse_whole_list("--tp", "3,8-16,1", degrees) == Numbers{3, 8, 16, 1});
  CHECK(parse_whole_list("--zero", "0-3", {.least = 0, .most = 3}) == Numbers{0, 1, 2, 3});
  CHECK(refusal([&] { parse_whole_list("--tp", "1-4,2", degrees); }) == "--tp '1-4,2': 2 stands there twice");
  const std::string part = GENERATE("8-1", "1-", "-8", "1-2-4", "0-8", "1-2000", "two");
  INFO("'" << part << "'");
  CHECK(refusal([&] { parse_whole_list("--tp", "2," + part, degrees); }) ==
        "--tp takes whole numbers from 1 to 1,024 with commas between, not '" + part + "'");
}
