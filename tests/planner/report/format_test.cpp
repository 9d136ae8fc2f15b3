#include "planner/report/format.hpp"

#include <limits>

#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::report;

TEST_CASE("thousands are separated") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(-123456) == "-123,456");
  CHECK(grouped(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
  CHECK(fixed(1234567.891, 2) == "1,234,567.89");
  CHECK(fixed(-0.001, 1) == "0.0");
}

TEST_CASE("three significant digits, whole digits kept") {
  CHECK(significant(0.0) == "0");
  CHECK(significant(0.05714) == "0.0571");
  CHECK(significant(9.996) == "10.0");
  CHECK(significant(58.0) == "58.0");
  CHECK(significant(1131.6) == "1,132");
}

TEST_CASE("every number finds the unit in which it is read") {
  CHECK(with_unit(Bytes(469'762'048)) == "448 MiB");
  CHECK(with_unit(Bytes(0)) == "0 byte");
  CHECK(with_unit(Bytes(1023)) == "1,023 byte");
  CHECK(with_unit(Bytes(1'073'741'824)) == "1.00 GiB");
  CHECK(with_unit(Flops(4'674'000'000'000)) == "4.67 TFLOP");
  CHECK(with_unit(Seconds(0.0123)) == "12.3 ms");
  CHECK(with_unit(Seconds(2.5e-6)) == "2.50 µs");
  CHECK(with_unit(BytesPerSecond(450e9)) == "450 GB/s");
  CHECK(with_unit(kKilowattHour * 4.7e6) == "4.70 GWh");
  CHECK(in_bits(BytesPerSecond(50e9)) == "400 Gbit/s");
}

TEST_CASE("what rounds up to the next unit is printed in it") {
  CHECK(with_unit(Seconds(0.9999)) == "1.00 s");
  CHECK(with_unit(Seconds(0.9994)) == "999 ms");
}

TEST_CASE("a column has one unit, chosen by its largest number") {
  const Unit seconds = time_unit(Seconds(58.0));
  CHECK(seconds.name == "s");
  CHECK(in_unit(0.21, seconds) == "0.2");
  const Unit milliseconds = time_unit(Seconds(0.0091));
  CHECK(milliseconds.name == "ms");
  CHECK(in_unit(0.0091, milliseconds) == "9.10");
  CHECK(byte_unit(Bytes(5 << 20)).name == "MiB");
}

TEST_CASE("runs are told in the time in which people plan them") {
  CHECK(as_calendar_time(Seconds(90.0)) == "90.0 seconds");
  CHECK(as_calendar_time(Seconds(600.0)) == "10.0 minutes");
  CHECK(as_calendar_time(3.0 * kHour) == "3.00 hours");
  CHECK(as_calendar_time(2401.0 * kDay) == "2,401 days");
}

TEST_CASE("large everyday counts are told in millions") {
  CHECK(in_millions(12.5) == "12.5");
  CHECK(in_millions(123456.0) == "123,456");
  CHECK(in_millions(3'687'936.0) == "3.69 M");
  CHECK(in_si(15e12) == "15 T");
  CHECK(in_si(1.5e9) == "1.5 G");
}
