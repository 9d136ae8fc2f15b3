#include "planner/units/unit_table.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>

namespace foreshard {

namespace {

constexpr std::array kUnits = std::to_array<Unit>({
    {Measure::size, "PiB", 1024.0 * 1024.0 * kGibi},
    {Measure::size, "TiB", 1024.0 * kGibi},
    {Measure::size, "GiB", kGibi},
    {Measure::size, "MiB", kMebi},
    {Measure::size, "KiB", kKibi},
    {Measure::size, "PB", 1e15},
    {Measure::size, "TB", 1e12},
    {Measure::size, "GB", 1e9},
    {Measure::size, "MB", 1e6},
    {Measure::size, "kB", 1e3},
    {Measure::size, "B"},
    {Measure::time, "d", 86400.0},
    {Measure::time, "h", 3600.0},
    {Measure::time, "min", 60.0},
    {Measure::time, "s"},
    {Measure::time, "ms", 1.0, 1e3},
    {Measure::time, "us", 1.0, 1e6},
    {Measure::time, "\u00b5s", 1.0, 1e6},  // micro sign
    {Measure::time, "\u03bcs", 1.0, 1e6},  // Greek mu
    {Measure::time, "ns", 1.0, 1e9},
    {Measure::bandwidth, "TB/s", 1e12},
    {Measure::bandwidth, "GB/s", 1e9},
    {Measure::bandwidth, "MB/s", 1e6},
    {Measure::bandwidth, "kB/s", 1e3},
    {Measure::bandwidth, "TiB/s", 1024.0 * kGibi},
    {Measure::bandwidth, "GiB/s", kGibi},
    {Measure::bandwidth, "MiB/s", kMebi},
    {Measure::bandwidth, "KiB/s", kKibi},
    {Measure::bandwidth, "Tbit/s", 1e12, 8.0},
    {Measure::bandwidth, "Gbit/s", 1e9, 8.0},
    {Measure::bandwidth, "Mbit/s", 1e6, 8.0},
    {Measure::bandwidth, "kbit/s", 1e3, 8.0},
    {Measure::bandwidth, "B/s"},
    {Measure::bandwidth, "bit/s", 1.0, 8.0},
    {Measure::flop_rate, "EFLOP/s", 1e18},
    {Measure::flop_rate, "PFLOP/s", 1e15},
    {Measure::flop_rate, "TFLOP/s", 1e12},
    {Measure::flop_rate, "GFLOP/s", 1e9},
    {Measure::flop_rate, "MFLOP/s", 1e6},
    {Measure::flop_rate, "FLOP/s"},
    {Measure::frequency, "GHz", 1e9},
    {Measure::frequency, "MHz", 1e6},
    {Measure::frequency, "kHz", 1e3},
    {Measure::frequency, "Hz"},
    {Measure::tokens, "T", 1e12},
    {Measure::tokens, "B", 1e9},
    {Measure::tokens, "M", 1e6},
    {Measure::tokens, "K", 1e3},
    {Measure::tokens, "T tokens", 1e12},
    {Measure::tokens, "B tokens", 1e9},
    {Measure::tokens, "M tokens", 1e6},
    {Measure::tokens, "K tokens", 1e3},
    // As the tables print them: "200 G tokens", "500 k tokens".
    {Measure::tokens, "G", 1e9},
    {Measure::tokens, "k", 1e3},
    {Measure::tokens, "G tokens", 1e9},
    {Measure::tokens, "k tokens", 1e3},
    {Measure::tokens, "tokens"},
    {Measure::money, "USD"},
    {Measure::price, "USD/h", 1.0, 3600.0},
    {Measure::price, "USD/s"},
    {Measure::energy, "MWh", 3.6e9},
    {Measure::energy, "kWh", 3.6e6},
    {Measure::energy, "Wh", 3600.0},
    {Measure::energy, "J"},
    {Measure::power, "MW", 1e6},
    {Measure::power, "kW", 1e3},
    {Measure::power, "W"},
});

constexpr std::array kMeasures = std::to_array<MeasureInfo>({
    {"a size in bytes", "80 GiB", 1.0, 1e18, "1 B to 1000 PB"},
    {"a time", "2.5 us", 1e-15, 1e12, "1e-6 ns to 1e12 s"},
    {"a bandwidth", "900 GB/s", 1.0, 1e18, "1 B/s to 1e6 TB/s"},
    {"a FLOP rate", "989 TFLOP/s", 1.0, 1e24, "1 FLOP/s to 1e6 EFLOP/s"},
    {"a frequency", "1755 MHz", 1.0, 1e13, "1 Hz to 1e4 GHz"},
    {"a number of tokens", "15T", 1.0, 1e18, "1 to 1000000T"},
    {"an amount of money", "100 USD", 1e-9, 1e18, "1e-9 USD to 1e18 USD"},
    {"a price", "2.50 USD/h", 1e-12, 1e6, "1e-8 USD/h to 3.6e9 USD/h"},
    {"an energy", "10 kWh", 1e-12, 1e24, "1e-12 J to 1e24 J"},
    {"a power", "700 W", 1e-6, 1e12, "1e-6 W to 1e6 MW"},
});

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// A common spelling of a unit in lower case, and the unit's correct name; both without the prefix.
struct Spelling {
  std::string_view written;
  std::string_view name;
};
constexpr std::array kPrefixedSpellings = std::to_array<Spelling>({
    {"flops", "FLOP/s"},
    {"flop", "FLOP/s"},
    {"flops/s", "FLOP/s"},
    {"flop/s", "FLOP/s"},
    {"b/s", "B/s"},
    {"bs", "B/s"},
    {"bps", "B/s"},
    {"byte/s", "B/s"},
    {"bytes/s", "B/s"},
    {"b/sec", "B/s"},
    {"bit", "bit/s"},
    {"bits", "bit/s"},
    {"bit/s", "bit/s"},
    {"bits/s", "bit/s"},
    {"bitps", "bit/s"},
    {"bit/sec", "bit/s"},
    {"ib/s", "iB/s"},
    {"ibps", "iB/s"},
    {"ibs", "iB/s"},
    {"ib/sec", "iB/s"},
    {"b", "B"},
    {"byte", "B"},
    {"bytes", "B"},
    {"ib", "iB"},
    {"ibyte", "iB"},
    {"i", "iB"},
    {"hz", "Hz"},
    {"w", "W"},
    {"watt", "W"},
    {"watts", "W"},
    {"wh", "Wh"},
    {"j", "J"},
    {" tokens", " tokens"},
    {"tokens", " tokens"},
    {" token", " tokens"},
});
constexpr std::array kWholeSpellings = std::to_array<Spelling>({
    {"sec", "s"},          {"secs", "s"},       {"second", "s"},     {"seconds", "s"},    {"msec", "ms"},
    {"usec", "us"},        {"nsec", "ns"},      {"hour", "h"},       {"hours", "h"},      {"hr", "h"},
    {"minutes", "min"},    {"minute", "min"},   {"m", "min"},        {"day", "d"},        {"days", "d"},
    {"usd/hour", "USD/h"}, {"usd/hr", "USD/h"}, {"$/h", "USD/h"},    {"$/hour", "USD/h"}, {"$/hr", "USD/h"},
    {"$", "USD"},          {"dollars", "USD"},  {"token", "tokens"},
});

std::optional<std::string_view> unit_named(const std::string& name, Measure wanted) {
  const std::string wanted_name = lower(name);
  for (const Unit& unit : kUnits) {
    if (unit.measure == wanted && lower(unit.name) == wanted_name) return unit.name;
  }
  return std::nullopt;
}

}  // namespace

std::span<const Unit> all_units() { return kUnits; }

const MeasureInfo& info_of(Measure measure) { return kMeasures[static_cast<std::size_t>(measure)]; }

std::string_view intended_unit(std::string_view text, Measure wanted) {
  const std::string small = lower(text);
  // Network vendors write 'Gb/s' and 'Gbps' for bits. All in lower case, 'gb/s' is ambiguous: take it for
  // bytes.
  const bool says_bits = small.ends_with("bps") || (text.ends_with("b/s") && small != text);
  if (wanted == Measure::bandwidth && says_bits && small.size() <= 4 && !text.ends_with("Bps")) {
    const std::string prefix = small.substr(0, small.size() - 3);
    if (const auto unit = unit_named(prefix + "bit/s", wanted)) return *unit;
  }
  if (const auto unit = unit_named(small, wanted)) return *unit;
  for (const Spelling& spelling : kWholeSpellings) {
    if (small != spelling.written) continue;
    if (const auto unit = unit_named(std::string(spelling.name), wanted)) return *unit;
  }
  for (const Spelling& spelling : kPrefixedSpellings) {
    if (!small.ends_with(spelling.written)) continue;
    const std::string prefix = small.substr(0, small.size() - spelling.written.size());
    if (const auto unit = unit_named(prefix + std::string(spelling.name), wanted)) return *unit;
  }
  // A bare prefix: '80 G' of memory.
  if (small.size() == 1 && wanted == Measure::size) {
    if (const auto unit = unit_named(small + "B", wanted)) return *unit;
  }
  return {};
}

}  // namespace foreshard
