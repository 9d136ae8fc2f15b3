#include "planner/units/read_number.hpp"

#include <string_view>

#include "tests/support/catch.hpp"

namespace foreshard {
namespace {

struct Read {
  double value = -7.0;  // what it is where nothing is read
  std::size_t characters = 0;
  std::errc error{};
};

Read read(std::string_view text) {
  Read result;
  const auto [end, error] = read_number(text.data(), text.data() + text.size(), result.value);
  result.characters = static_cast<std::size_t>(end - text.data());
  result.error = error;
  return result;
}

TEST_CASE("a decimal number is read up to its end", "[units]") {
  CHECK(read("15").value == 15.0);
  CHECK(read("-1.5e3x").value == -1500.0);
  CHECK(read("-1.5e3x").characters == 6);
  CHECK(read(".5").value == 0.5);
  CHECK(read("5.").characters == 2);
  CHECK(read("2e+2").value == 200.0);
  CHECK(read("2e").characters == 1);
  CHECK(read("2e-").characters == 1);
  CHECK(read("1_000").value == 1.0);
}

TEST_CASE("a number is rounded to the nearest double", "[units]") {
  CHECK(read("0.1").value == 0.1);
  // Half way between 2^53 and its successor 2^53 + 2: the even one.
  CHECK(read("9007199254740993").value == 9007199254740992.0);
  CHECK(read("9007199254740993.0000001").value == 9007199254740994.0);
}

TEST_CASE("what is no decimal number is refused", "[units]") {
  for (const char* text : {"", "-", ".", "-.", "+1", " 1", "e5", "inf", "-inf", "nan", "x"}) {
    INFO(text);
    CHECK(read(text).error == std::errc::invalid_argument);
    CHECK(read(text).value == -7.0);
  }
  CHECK(read("1e400").error == std::errc::result_out_of_range);
  CHECK(read("0x10").value == 0.0);
  CHECK(read("0x10").characters == 1);
}

}  // namespace
}  // namespace foreshard
