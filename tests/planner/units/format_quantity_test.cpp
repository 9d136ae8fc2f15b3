#include "planner/units/format_quantity.hpp"

#include <cmath>

#include "planner/units/parse_quantity.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("thousands are separated") {
  CHECK(format_integer(0) == "0");
  CHECK(format_integer(999) == "999");
  CHECK(format_integer(1130) == "1,130");
  CHECK(format_integer(-1234567) == "-1,234,567");
  CHECK(format_fixed(1234.56, 1) == "1,234.6");
  CHECK(format_fixed(-999.0, 2) == "-999.00");
}

TEST_CASE("sizes print in binary units with one decimal") {
  CHECK(format_bytes(Bytes(512)) == "512 B");
  CHECK(format_bytes(Bytes(448LL << 20)) == "448.0 MiB");
  CHECK(format_bytes(Bytes((61LL << 30) + (205LL << 20))) == "61.2 GiB");  // 205/1024 = 0.2002
  CHECK(format_bytes(Bytes((1LL << 20) - 1)) == "1.0 MiB");                // never "1,024.0 KiB"
  CHECK(format_bytes(BytesTotal(Int128{1} << 50)) == "1,048,576.0 GiB");
}

TEST_CASE("counts and FLOPs print with their prefix") {
  CHECK(format_count(512) == "512");
  CHECK(format_count(70'553'706'496.0) == "70.55 B");
  CHECK(format_count(999'996'000.0) == "1.00 B");
  CHECK(format_count(15e12) == "15.00 T");
  CHECK(format_flops(Flops(1'409'286'144)) == "1.41 GFLOP");
  CHECK(format_flops(Flops(12)) == "12 FLOP");
  CHECK(format_flops(FlopsTotal(Int128{1} << 70)) == "1.18 ZFLOP");  // 2^70 = 1.1806e21
}

TEST_CASE("times print with three digits") {
  CHECK(format_seconds(Seconds(58.0)) == "58.0 s");
  CHECK(format_seconds(Seconds(1.42)) == "1.42 s");
  CHECK(format_seconds(Seconds(0.0123)) == "12.3 ms");
  CHECK(format_seconds(Seconds(2.5e-6)) == "2.50 us");
  CHECK(format_seconds(Seconds(1234.0)) == "1,234 s");
  CHECK(format_seconds(Seconds(0.0)) == "0 s");
  CHECK(format_duration(Seconds(2401.0 * 86400.0)) == "2,401 days");
  CHECK(format_duration(Seconds(5.2 * 3600.0)) == "5.2 hours");
  CHECK(format_duration(Seconds(31.0)) == "31.0 s");
}

TEST_CASE("rates, money, energy and power print with their unit") {
  CHECK(format_bandwidth(BytesPerSecond(450e9)) == "450 GB/s");
  CHECK(format_bandwidth(BytesPerSecond(48.5e9)) == "48.5 GB/s");
  CHECK(format_flop_rate(FlopsPerSecond(712e12)) == "712 TFLOP/s");
  CHECK(format_token_rate(TokensPerSecond(1130.0)) == "1,130 tokens/s");
  CHECK(format_dollars(Dollars(2.5)) == "2.50 USD");
  CHECK(format_dollars(Dollars(595'000.0)) == "595,000 USD");
  CHECK(format_dollars(Dollars(9.2e6)) == "9.20 M USD");
  CHECK(format_price(DollarsPerSecond(2.5 / 3600.0)) == "2.50 USD/h");
  CHECK(format_energy(Joules(12.3 * 3.6e6)) == "12.3 kWh");
  CHECK(format_power(Watts(10200.0)) == "10.2 kW");
}

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
