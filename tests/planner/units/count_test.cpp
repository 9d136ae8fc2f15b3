#include "planner/units/count.hpp"

#include <limits>

#include "planner/units/quantity.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {
template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
}  // namespace

TEST_CASE("units of different kinds do not add") {
  STATIC_REQUIRE(Addable<Bytes, Bytes>);
  STATIC_REQUIRE_FALSE(Addable<Bytes, Flops>);
  STATIC_REQUIRE_FALSE(Addable<Bytes, Seconds>);
  STATIC_REQUIRE_FALSE(Addable<Seconds, BytesPerSecond>);
}

TEST_CASE("quantities combine as physics does") {
  const Seconds time = Bytes(900) / BytesPerSecond(450.0);
  CHECK(time.value() == 2.0);
  STATIC_REQUIRE(std::is_same_v<decltype(Flops(1) / FlopsPerSecond(1.0)), Seconds>);
  STATIC_REQUIRE(std::is_same_v<decltype(Watts(1.0) * Seconds(1.0)), Joules>);
  STATIC_REQUIRE(std::is_same_v<decltype(Seconds(1.0) / Seconds(2.0)), double>);
}

TEST_CASE("counts refuse to wrap") {
  const Bytes most(std::numeric_limits<std::int64_t>::max());
  CHECK_THROWS_AS(most + Bytes(1), CountOverflow);
  CHECK_THROWS_AS(most * 2, CountOverflow);
  CHECK_THROWS_AS(Bytes(std::numeric_limits<std::int64_t>::min()) - Bytes(1), CountOverflow);
  CHECK_THROWS_AS(checked_product(std::int64_t{1} << 32, std::int64_t{1} << 31), CountOverflow);
  CHECK((as_total(most) + as_total(most)).value() == Int128{2} * std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("128-bit totals print in decimal") {
  CHECK(to_decimal(0) == "0");
  CHECK(to_decimal(Int128{1} << 64) == "18446744073709551616");  // 2^64
  CHECK(to_decimal(-(Int128{1} << 64)) == "-18446744073709551616");
}
