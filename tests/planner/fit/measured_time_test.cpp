#include "planner/fit/measured_time.hpp"

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("the median and half the interquartile range") {
  // Sorted 1 2 3 4 100: median 3, quartiles 2 and 4, half their difference 1.
  const MeasuredTime odd = measured_time({Seconds(100), Seconds(1), Seconds(3), Seconds(2), Seconds(4)});
  CHECK(odd.median.value() == Approx(3.0));
  CHECK(odd.spread.value() == Approx(1.0));
  // Sorted 1 2 3 4: median 2.5; quartiles at the positions 0.75 and 2.25: 1.75 and 3.25.
  const MeasuredTime even = measured_time({Seconds(4), Seconds(3), Seconds(2), Seconds(1)});
  CHECK(even.median.value() == Approx(2.5));
  CHECK(even.spread.value() == Approx(0.75));
  const MeasuredTime one = measured_time({Seconds(7)});
  CHECK(one.median.value() == Approx(7.0));
  CHECK(one.spread.value() == Approx(0.0));
}

}  // namespace
}  // namespace foreshard::test
