#include "planner/spec/yaml/map_reader.hpp"

#include <array>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

template <class Kind>
Outcome<typename Kind::type> read(const std::string& text, const Kind& kind) {
  Complaints complaints;
  const auto documents = parse_yaml(make_source("t.yaml", {}, text), text, complaints);
  REQUIRE(documents.size() == 1);
  return kind.read(*documents.front()->entries.front().value);
}

template <class Kind>
std::string message(const std::string& value, const Kind& kind) {
  const auto outcome = read("x: " + value, kind);
  const auto* complaint = std::get_if<ParseComplaint>(&outcome);
  return complaint != nullptr ? complaint->message + " | " + complaint->allowed : "fine";
}

}  // namespace

TEST_CASE("whole numbers are decimal digits within their bounds") {
  const WholeNumber range{1, 8};
  CHECK(std::get<std::int64_t>(read("x: 8", range)) == 8);
  CHECK(std::get<std::int64_t>(read("x: 0", WholeNumber{0, 8})) == 0);
  CHECK(std::get<std::int64_t>(read("x: -3", WholeNumber{-5, 8})) == -3);
  CHECK(message("9", range) == "'9' is too large | a whole number from 1 to 8");
  CHECK(message("0", range) == "'0' is too small | a whole number from 1 to 8");
  CHECK(message("-99999999999999999999", range) ==
        "'-99999999999999999999' is too small | a whole number from 1 to 8");
  CHECK(message("0x8", range) == "expected a whole number, found '0x8' | a whole number from 1 to 8");
  CHECK(message("8.0", range) == "expected a whole number, found '8.0' | a whole number from 1 to 8");
  CHECK(message("1e3", range) == "expected a whole number, found '1e3' | a whole number from 1 to 8");
  CHECK(message("007", range) == "'007' has a leading zero, which can mean octal | write 7");
  CHECK(message("+7", range) == "expected a whole number, found '+7' | write 7");
}

TEST_CASE("real numbers are finite and within their bounds") {
  const RealNumber range{0.5, 2.0};
  CHECK(std::get<double>(read("x: 1.5", range)) == 1.5);
  CHECK(std::get<double>(read("x: 1e0", range)) == 1.0);
  CHECK(message("3", range) == "'3' is too large | a number from 0.5 to 2");
  CHECK(message(".nan", range) == "expected a number, found '.nan' | a number from 0.5 to 2");
  CHECK(message("inf", range) == "expected a number, found 'inf' | a number from 0.5 to 2");
  CHECK(message("1e999", range) == "expected a number, found '1e999' | a number from 0.5 to 2");
  CHECK(message("80%", Fraction{}) ==
        "expected a number, found '80%' | a fraction from 0.0001 to 1, as in 0.8");
  CHECK(message("0", Fraction{}) == "'0' is too small | a fraction from 0.0001 to 1, as in 0.8");
}

TEST_CASE("quantities are zero only where zero makes sense") {
  CHECK(std::get<Seconds>(read("x: 0 us", Measured<Seconds>{true})) == Seconds(0.0));
  CHECK(message("0 us", Measured<Seconds>{}) == "'0 us' must be more than zero | ");
}

TEST_CASE("what is beyond all sense is refused with the range") {
  const WholeNumber degree{1, 1'000'000};
  const Measured<BytesPerSecond> bandwidth;
  const Measured<Seconds> restart{.zero_allowed = true};
  const std::string times = "allowed here: 0 s to 100 d";
  const std::string delays = "allowed here: 0 s to 10 s";
  const std::string bandwidths = "allowed here: 1 kB/s to 1000 TB/s";
  struct Case {
    std::string said;
    std::string expected;
  };
  for (const Case& each :
       {Case{message("2147483648", degree), "'2147483648' is too large | a whole number from 1 to 1000000"},
        {message("1000000000000", WholeNumber{}),
         "'1000000000000' is too large | a whole number from 1 to 1000000000"},
        {message("0", WholeNumber{}), "'0' is too small | a whole number, 1 or more"},
        {message("1e13", RealNumber{}), "'1e13' is too large | a number from 0 to 1000000000000"},
        {message("1e-320", Fraction{}), "'1e-320' is too small | a fraction from 0.0001 to 1, as in 0.8"},
        {message("0.0001", Fraction{}), "fine"},
        {message("0 GB/s", bandwidth), "'0 GB/s' must be more than zero | "},
        {message("999 B/s", bandwidth), "'999 B/s' is too small | " + bandwidths},
        {message("1 kB/s", bandwidth), "fine"},
        {message("1001 TB/s", bandwidth), "'1001 TB/s' is too large | " + bandwidths},
        {message("1e5 FLOP/s", Measured<FlopsPerSecond>{}),
         "'1e5 FLOP/s' is too small | allowed here: 1 MFLOP/s to 1000 EFLOP/s"},
        {message("1e12 s", restart), "'1e12 s' is too large | " + times},
        {message("100 d", restart), "fine"},
        {message("11 s", kDelay), "'11 s' is too large | " + delays},
        {message("0 s", kDelay), "fine"}})
    CHECK(each.said == each.expected);
}

TEST_CASE("every word of every table finds its value") {
  CHECK(value_of<ScheduleKind>("1f1b") == ScheduleKind::one_f_one_b);
  CHECK(value_of<Recompute>("selective-ops") == Recompute::selective_ops);
  CHECK(value_of<CpStyle>("all-gather") == CpStyle::all_gather);
  CHECK(value_of<Topology>("rail-optimised") == Topology::rail_optimised);
  CHECK(value_of<Framework>("megatron-deepspeed") == Framework::megatron_deepspeed);
  CHECK(value_of<Framework>("torch-fsdp") == Framework::torch_fsdp);
  CHECK_FALSE(value_of<Framework>("torch_fsdp").has_value());
  for (const Named<FlashVersion>& named : kWords<FlashVersion>)
    CHECK(value_of<FlashVersion>(word_of(named.value)) == named.value);
}

TEST_CASE("found text is shown short and on one line") {
  CHECK(quote("two\nlines\x1b") == "'two lines '");
  CHECK(quote(std::string(39, 'x') + "ä") == "'" + std::string(39, 'x') + "…'");  // not through the ä
  CHECK(quote(std::string(40, 'x')) == "'" + std::string(40, 'x') + "'");
}

TEST_CASE("reading goes on after a complaint") {
  constexpr auto kKeys = std::to_array<KeyInfo>({{"a", "a number"}, {"b", "a number"}, {"c", "a list"}});
  const std::string text = "a: x\nc: [1, y, 3]\n";
  Complaints complaints;
  const auto documents = parse_yaml(make_source("t.yaml", {}, text), text, complaints);
  const auto map =
      MapReader::open(documents.front(), documents.front()->place, "top", kKeys, "a map", complaints);
  REQUIRE(map.has_value());
  CHECK(map->required("a", WholeNumber{}) == 0);
  CHECK(map->required("b", WholeNumber{}) == 0);
  CHECK(map->list("c", WholeNumber{}) == std::vector<std::int64_t>{1, 0, 3});
  CHECK(complaints.size() == 3);
  CHECK_THROWS_AS(complaints.throw_if_any(), SpecError);
}
