#include "planner/units/parse_quantity.hpp"

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

template <class Q>
Q parsed(std::string_view text) {
  const auto result = parse_quantity<Q>(text);
  INFO(text);
  if (const auto* complaint = std::get_if<ParseComplaint>(&result)) FAIL(complaint->message);
  return std::get<Q>(result);
}

template <class Q>
ParseComplaint complaint(std::string_view text) {
  const auto result = parse_quantity<Q>(text);
  INFO(text);
  REQUIRE(std::holds_alternative<ParseComplaint>(result));
  return std::get<ParseComplaint>(result);
}

}  // namespace

TEST_CASE("quantities are read as people write them") {
  CHECK(parsed<Bytes>("80 GiB") == Bytes(80LL * 1024 * 1024 * 1024));
  CHECK(parsed<Bytes>("4 MB") == Bytes(4'000'000));
  CHECK(parsed<Bytes>("512 B") == Bytes(512));
  CHECK(parsed<BytesPerSecond>("900 GB/s") == BytesPerSecond(900e9));
  CHECK(parsed<BytesPerSecond>("400 Gbit/s") == BytesPerSecond(50e9));  // 8 bits to the byte
  CHECK(parsed<FlopsPerSecond>("989.5 TFLOP/s") == FlopsPerSecond(989.5e12));
  CHECK(parsed<Seconds>("2 us") == Seconds(2e-6));
  CHECK(parsed<Seconds>("2.5 us") == Seconds(2.5e-6));
  CHECK(parsed<Seconds>("2 \u00b5s") == Seconds(2e-6));
  CHECK(parsed<Seconds>("1.5 ms") == Seconds(1.5e-3));
  CHECK(parsed<Tokens>("15T") == Tokens(15'000'000'000'000));
  CHECK(parsed<Tokens>("1.5M tokens") == Tokens(1'500'000));
  // As the tables print them, with and without the blank.
  CHECK(parsed<Tokens>("200 G") == Tokens(200'000'000'000));
  CHECK(parsed<Tokens>("200G") == Tokens(200'000'000'000));
  CHECK(parsed<Tokens>("200 G tokens") == Tokens(200'000'000'000));
  CHECK(parsed<Tokens>("500 k") == Tokens(500'000));
  CHECK(parsed<Tokens>("300000 tokens") == Tokens(300'000));
  CHECK(parsed<DollarsPerSecond>("3600 USD/h") == DollarsPerSecond(1.0));
  CHECK(parsed<Watts>("700 W") == Watts(700.0));
  CHECK(parsed<Watts>("10.2 kW") == Watts(10200.0));
  CHECK(parsed<Hertz>("1755 MHz") == Hertz(1.755e9));
  CHECK(parsed<Joules>("2 kWh") == Joules(7.2e6));
}

TEST_CASE("spaces and exponents are free") {
  CHECK(parsed<Bytes>("80GiB") == parsed<Bytes>("  80   GiB "));
  CHECK(parsed<BytesPerSecond>("9e2GB/s") == BytesPerSecond(900e9));
  CHECK(parsed<FlopsPerSecond>("2EFLOP/s") == FlopsPerSecond(2e18));  // E is exa here, no exponent
  CHECK(parsed<Seconds>("0 us") == Seconds(0.0));
}

TEST_CASE("a size is rounded to whole bytes, and large ones stay exact") {
  // 79.1 · 2^30 = 84932978278.4
  CHECK(parsed<Bytes>("79.1 GiB") == Bytes(84'932'978'278));
  // 2^53 + 1 is no double.
  CHECK(parsed<Bytes>("9007199254740993 B") == Bytes(9'007'199'254'740'993));
}

TEST_CASE("a bare number is refused with an example") {
  const ParseComplaint bare = complaint<BytesPerSecond>("900");
  CHECK(bare.message == "'900' has no unit");
  CHECK(bare.allowed == "a bandwidth with its unit, as in '900 GB/s'");
  CHECK(complaint<Tokens>("300").message == "'300' has no unit");
}

TEST_CASE("a unit of another dimension is named") {
  CHECK(complaint<BytesPerSecond>("2 us").message == "'2 us' is a time, not a bandwidth");
  CHECK(complaint<BytesPerSecond>("900 GB").message == "'900 GB' is a size in bytes, not a bandwidth");
  CHECK(complaint<Bytes>("900 GB/s").message == "'900 GB/s' is a bandwidth, not a size in bytes");
  CHECK(complaint<Seconds>("5 W").message == "'5 W' is a power, not a time");
}

TEST_CASE("a misspelt unit is answered with the one that was meant") {
  const auto meant = [](const ParseComplaint& found) {
    const auto from = found.message.find("did you mean '");
    return from == std::string::npos ? found.message : found.message.substr(from + 14);
  };
  CHECK(meant(complaint<BytesPerSecond>("900 gb/s")) == "GB/s'?");
  CHECK(meant(complaint<BytesPerSecond>("900 GBs")) == "GB/s'?");
  CHECK(meant(complaint<BytesPerSecond>("900 GBps")) == "GB/s'?");
  CHECK(meant(complaint<BytesPerSecond>("400 Gbps")) == "Gbit/s'?");
  CHECK(meant(complaint<BytesPerSecond>("400 Gb/s")) == "Gbit/s'?");
  CHECK(meant(complaint<BytesPerSecond>("400 gbit/s")) == "Gbit/s'?");
  CHECK(meant(complaint<FlopsPerSecond>("989 TFLOPS")) == "TFLOP/s'?");
  CHECK(meant(complaint<FlopsPerSecond>("989 TFLOPs")) == "TFLOP/s'?");
  CHECK(meant(complaint<FlopsPerSecond>("989 tflop/s")) == "TFLOP/s'?");
  CHECK(meant(complaint<Bytes>("80 gib")) == "GiB'?");
  CHECK(meant(complaint<Bytes>("80 G")) == "GB'?");
  CHECK(meant(complaint<Bytes>("2 T")) == "TB'?");
  CHECK(meant(complaint<Seconds>("3 sec")) == "s'?");
  CHECK(meant(complaint<DollarsPerSecond>("2.5 $/h")) == "USD/h'?");
  CHECK(meant(complaint<Watts>("700 watts")) == "W'?");
  CHECK(meant(complaint<Tokens>("15t")) == "T'?");
  CHECK(complaint<Seconds>("3 parsecs").message == "'3 parsecs': unknown unit 'parsecs'");
}

TEST_CASE("what is no sensible number is refused") {
  CHECK(complaint<Seconds>("-2 us").message == "'-2 us' is negative");
  CHECK(complaint<Seconds>("nan s").message == "'nan s' is not a time");
  CHECK(complaint<Seconds>("inf s").message == "'inf s' is not a time");
  CHECK(complaint<Seconds>("").message == "'' is not a time");
  CHECK(complaint<Seconds>("fast").message == "'fast' is not a time");
  CHECK(complaint<Seconds>("1.2.3 s").message == "'1.2.3' is not a number");
  CHECK(complaint<Seconds>("0x10 s").message == "'0x10 s': unknown unit 'x10 s'");
  CHECK(complaint<Bytes>("1,000 GB").message == "'1,000 GB': write the number without ','");
  CHECK(complaint<BytesPerSecond>("1e30 GB/s").message == "'1e30 GB/s' is beyond all reason");
  CHECK(complaint<BytesPerSecond>("1e999 GB/s").allowed == "a bandwidth from 1 B/s to 1e6 TB/s");
  CHECK(complaint<BytesPerSecond>("1e-30 GB/s").message == "'1e-30 GB/s' is beyond all reason");
  CHECK(complaint<Bytes>("0.2 B").message == "'0.2 B' is beyond all reason");
}
