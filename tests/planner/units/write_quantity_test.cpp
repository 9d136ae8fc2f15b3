#include "planner/units/write_quantity.hpp"

#include <cmath>

#include "planner/units/parse_quantity.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {
template <class Q>
void check_round_trip(Q quantity) {
  const std::string text = write_quantity(quantity);
  INFO(text);
  const auto back = parse_quantity<Q>(text);
  REQUIRE(std::holds_alternative<Q>(back));
  CHECK(std::get<Q>(back) == quantity);
}
}  // namespace

TEST_CASE("what is written is read back unchanged") {
  for (int i = 1; i < 300; ++i) {
    const double awkward = std::sqrt(i) * std::pow(10.0, i % 14 - 3);
    check_round_trip(Seconds(awkward * 1e-6));
    check_round_trip(BytesPerSecond(awkward + 1.0));
    check_round_trip(FlopsPerSecond(awkward * 1e6));
    check_round_trip(DollarsPerSecond(awkward * 1e-7));
    check_round_trip(Watts(awkward));
    check_round_trip(Bytes(static_cast<std::int64_t>(awkward * 1e4)));
  }
  check_round_trip(Bytes(9'007'199'254'740'993));
  check_round_trip(Seconds(0.0));
}

TEST_CASE("what is written reads well") {
  CHECK(write_quantity(Bytes(80LL << 30)) == "80 GiB");
  CHECK(write_quantity(Bytes(4'000'000)) == "4 MB");
  CHECK(write_quantity(Seconds(2.5e-6)) == "2.5 us");
  CHECK(write_quantity(BytesPerSecond(50e9)) == "50 GB/s");
  CHECK(write_quantity(FlopsPerSecond(989.5e12)) == "989.5 TFLOP/s");
  CHECK(write_quantity(DollarsPerSecond(2.5 / 3600.0)) == "2.5 USD/h");
  CHECK(write_quantity(Tokens(15'000'000'000'000)) == "15 T");
}
