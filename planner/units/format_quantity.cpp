#include "planner/units/format_quantity.hpp"

#include <array>
#include <cmath>
#include <span>
#include <variant>

#include <fmt/core.h>

#include "planner/units/parse_quantity.hpp"
#include "planner/units/unit_table.hpp"

namespace foreshard {

namespace {

/// Puts a comma between thousands of the digits before the point.
std::string with_separators(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  std::size_t position = std::min(digits.find('.'), digits.size());
  while (position > first + 3) {
    position -= 3;
    digits.insert(position, 1, ',');
  }
  return digits;
}

struct Scale {
  double size;  ///< in base units
  const char* name;
};

/// Decimals that leave three digits: 1.42, 12.3, 712.
int decimals_for_three_digits(double number) {
  const double size = std::abs(number);
  if (size < 9.995) return 2;
  return size < 99.95 ? 1 : 0;
}

/// In the first scale (largest first) in which the number, as rounded, reaches 1. `decimals` < 0: three
/// digits.
std::string scaled(double value, std::span<const Scale> scales, int decimals) {
  const double half_of_last_digit = decimals < 0 ? 0.005 : 0.5 * std::pow(10.0, -decimals);
  const Scale* scale = &scales.back();
  for (const Scale& candidate : scales) {
    // 999.96 of the next smaller scale prints as 1000.0, so it belongs here.
    if (std::abs(value) >= candidate.size * (1.0 - half_of_last_digit / 1000.0)) {
      scale = &candidate;
      break;
    }
  }
  const double number = value / scale->size;
  return format_fixed(number, decimals < 0 ? decimals_for_three_digits(number) : decimals) + scale->name;
}

constexpr std::array kCounts = std::to_array<Scale>({{1e12, " T"}, {1e9, " B"}, {1e6, " M"}, {1e3, " K"}});
constexpr std::array kByteSizes = std::to_array<Scale>({{kGibi, " GiB"}, {kMebi, " MiB"}, {kKibi, " KiB"}});
constexpr std::array kFlopCounts = std::to_array<Scale>({{1e24, " YFLOP"},
                                                         {1e21, " ZFLOP"},
                                                         {1e18, " EFLOP"},
                                                         {1e15, " PFLOP"},
                                                         {1e12, " TFLOP"},
                                                         {1e9, " GFLOP"},
                                                         {1e6, " MFLOP"},
                                                         {1e3, " kFLOP"}});
constexpr std::array kTimes =
    std::to_array<Scale>({{1.0, " s"}, {1e-3, " ms"}, {1e-6, " us"}, {1e-9, " ns"}});
constexpr std::array kBandwidths =
    std::to_array<Scale>({{1e12, " TB/s"}, {1e9, " GB/s"}, {1e6, " MB/s"}, {1e3, " kB/s"}, {1.0, " B/s"}});
constexpr std::array kFlopRates = std::to_array<Scale>({{1e18, " EFLOP/s"},
                                                        {1e15, " PFLOP/s"},
                                                        {1e12, " TFLOP/s"},
                                                        {1e9, " GFLOP/s"},
                                                        {1e6, " MFLOP/s"},
                                                        {1.0, " FLOP/s"}});
constexpr std::array kEnergies =
    std::to_array<Scale>({{3.6e12, " GWh"}, {3.6e9, " MWh"}, {3.6e6, " kWh"}, {3.6e3, " Wh"}});
constexpr std::array kPowers = std::to_array<Scale>({{1e6, " MW"}, {1e3, " kW"}, {1.0, " W"}});

}  // namespace

std::string format_integer(Int128 number) { return with_separators(to_decimal(number)); }

std::string format_fixed(double number, int decimals) {
  return with_separators(fmt::format("{:.{}f}", number, decimals));
}

std::string format_count(double number) {
  return std::abs(number) < 999.5 ? format_fixed(number, 0) : scaled(number, kCounts, 2);
}

std::string format_bytes(BytesTotal bytes) {
  if (bytes.value() < 1024) return format_integer(bytes.value()) + " B";
  return scaled(bytes.as_double(), kByteSizes, 1);
}
std::string format_bytes(Bytes bytes) { return format_bytes(as_total(bytes)); }

std::string format_flops(FlopsTotal flops) {
  if (flops.value() < 1000) return format_integer(flops.value()) + " FLOP";
  return scaled(flops.as_double(), kFlopCounts, 2);
}
std::string format_flops(Flops flops) { return format_flops(as_total(flops)); }

std::string format_seconds(Seconds time) {
  if (time.value() == 0.0) return "0 s";
  return scaled(time.value(), kTimes, -1);
}

std::string format_duration(Seconds time) {
  const double days = time / kDay;
  if (days >= 2.0) return format_fixed(days, days < 100.0 ? 1 : 0) + " days";
  if (time >= 2.0 * kHour) return format_fixed(time / kHour, 1) + " hours";
  if (time >= Seconds(120.0)) return format_fixed(time.value() / 60.0, 1) + " minutes";
  return format_seconds(time);
}

std::string format_bandwidth(BytesPerSecond bandwidth) { return scaled(bandwidth.value(), kBandwidths, -1); }
std::string format_flop_rate(FlopsPerSecond rate) { return scaled(rate.value(), kFlopRates, -1); }

std::string format_token_rate(TokensPerSecond rate) {
  return format_fixed(rate.value(), decimals_for_three_digits(rate.value())) + " tokens/s";
}

std::string format_dollars(Dollars money) {
  const double dollars = money.value();
  if (std::abs(dollars) < 999.995) return format_fixed(dollars, 2) + " USD";
  if (std::abs(dollars) < 999999.5) return format_fixed(dollars, 0) + " USD";
  return scaled(dollars, kCounts, 2) + " USD";
}

std::string format_price(DollarsPerSecond price) {
  return format_fixed((price * kHour).value(), 2) + " USD/h";
}
std::string format_energy(Joules energy) { return scaled(energy.value(), kEnergies, -1); }
std::string format_power(Watts power) { return scaled(power.value(), kPowers, -1); }

template <Dimensional Q>
std::string write_quantity(Q quantity) {
  const double value = detail::base_value(quantity);
  std::string base_unit;
  std::string shortest;
  std::size_t fewest_digits = 12;  // a longer fraction reads worse than the base unit
  for (const Unit& unit : all_units()) {
    if (unit.measure != measure_of<Q>()) continue;
    if (unit.numerator == 1.0 && unit.denominator == 1.0) base_unit = unit.name;
    const double number = value * unit.denominator / unit.numerator;
    const std::string digits = fmt::format("{}", number);
    if (number < 1.0 || digits.size() >= fewest_digits) continue;
    const std::string text = fmt::format("{} {}", digits, unit.name);
    const auto back = parse_quantity<Q>(text);
    const Q* same = std::get_if<Q>(&back);
    if (same == nullptr || *same != quantity) continue;
    fewest_digits = digits.size();
    shortest = text;
  }
  if (!shortest.empty()) return shortest;
  if constexpr (detail::is_count<Q>) {
    return fmt::format("{} {}", quantity.value(), base_unit);
  } else {
    return fmt::format("{} {}", value, base_unit);
  }
}

template std::string write_quantity(Bytes);
template std::string write_quantity(Seconds);
template std::string write_quantity(BytesPerSecond);
template std::string write_quantity(FlopsPerSecond);
template std::string write_quantity(Hertz);
template std::string write_quantity(Tokens);
template std::string write_quantity(Dollars);
template std::string write_quantity(DollarsPerSecond);
template std::string write_quantity(Joules);
template std::string write_quantity(Watts);

}  // namespace foreshard
