#include "planner/report/format.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <fmt/format.h>

namespace foreshard::report {
namespace {

/// Inserts commas between groups of three digits before the decimal point.
std::string group_thousands(std::string text) {
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  const std::size_t end = std::min(text.find('.'), text.size());
  for (std::size_t at = end; at > first + 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

struct Scale {
  double size;
  const char* name;
};

/// The first of the scales, which are in descending order, in which the number is at least 1 as printed; the
/// last scale for smaller numbers.
Scale pick(double number, std::initializer_list<Scale> scales) {
  for (const Scale& scale : scales) {
    if (std::abs(number) >= scale.size * 0.9995) return scale;
  }
  return *(scales.end() - 1);
}

std::string scaled(double number, std::initializer_list<Scale> scales) {
  const Scale scale = pick(number, scales);
  return significant(number / scale.size) + " " + scale.name;
}

Unit unit_for(double largest, std::initializer_list<Scale> scales) {
  const Scale scale = pick(largest, scales);
  return {.size = scale.size, .name = scale.name, .decimals = largest / scale.size < 9.995 ? 2 : 1};
}

}  // namespace

std::string grouped(std::int64_t number) { return group_thousands(fmt::format("{}", number)); }

std::string fixed(double number, int decimals) {
  std::string text = fmt::format("{:.{}f}", number, decimals);
  // A number that rounds to zero has no sign.
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return std::isfinite(number) ? group_thousands(text) : text;
}

std::string significant(double number, int digits) {
  if (number == 0.0 || !std::isfinite(number)) return fixed(number, 0);
  // The exponent after rounding to so many digits: 9.996 prints as 10.0.
  const std::string rounded = fmt::format("{:.{}e}", number, digits - 1);
  const int exponent = std::stoi(rounded.substr(rounded.find('e') + 1));
  return fixed(number, std::max(0, digits - 1 - exponent));
}

std::string percent(double fraction) { return fixed(100.0 * fraction, 1) + "%"; }

std::string signed_percent(double fraction) {
  const std::string size = percent(std::abs(fraction));
  if (size == percent(0.0)) return size;
  return (fraction < 0.0 ? "−" : "+") + size;
}

Unit time_unit(Seconds largest) {
  return unit_for(largest.value(), {{1.0, "s"}, {1e-3, "ms"}, {1e-6, "µs"}});
}

Unit byte_unit(Bytes largest) {
  return unit_for(largest.as_double(), {{kGibi, "GiB"}, {kMebi, "MiB"}, {kKibi, "KiB"}, {1.0, "byte"}});
}

std::string in_unit(double base_value, const Unit& unit) {
  return fixed(base_value / unit.size, unit.decimals);
}

std::string with_unit(Bytes bytes) {
  return scaled(bytes.as_double(),
                {{1024.0 * kGibi, "TiB"}, {kGibi, "GiB"}, {kMebi, "MiB"}, {kKibi, "KiB"}, {1.0, "byte"}});
}

std::string with_unit(Flops flops) {
  return scaled(flops.as_double(), {{1e18, "EFLOP"},
                                    {1e15, "PFLOP"},
                                    {1e12, "TFLOP"},
                                    {1e9, "GFLOP"},
                                    {1e6, "MFLOP"},
                                    {1e3, "kFLOP"},
                                    {1.0, "FLOP"}});
}

std::string with_unit(Seconds time) { return scaled(time.value(), {{1.0, "s"}, {1e-3, "ms"}, {1e-6, "µs"}}); }

std::string with_unit(BytesPerSecond rate) {
  return scaled(rate.value(), {{1e12, "TB/s"}, {1e9, "GB/s"}, {1e6, "MB/s"}, {1.0, "byte/s"}});
}

std::string with_unit(FlopsPerSecond rate) {
  return scaled(rate.value(), {{1e15, "PFLOP/s"}, {1e12, "TFLOP/s"}, {1e9, "GFLOP/s"}, {1.0, "FLOP/s"}});
}

std::string with_unit(Joules energy) {
  return scaled(energy / kKilowattHour, {{1e6, "GWh"}, {1e3, "MWh"}, {1.0, "kWh"}});
}

std::string in_bits(BytesPerSecond rate) {
  return scaled(8.0 * rate.value(), {{1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1.0, "bit/s"}});
}

std::string as_calendar_time(Seconds time) {
  if (time >= 2.0 * kDay) return significant(time / kDay) + " days";
  if (time >= 2.0 * kHour) return significant(time / kHour) + " hours";
  if (time.value() >= 120.0) return significant(time.value() / 60.0) + " minutes";
  return significant(time.value()) + " seconds";
}

std::string in_millions(double number) {
  if (std::abs(number) < 999999.5) return std::abs(number) < 100.0 ? significant(number) : fixed(number, 0);
  return significant(number / 1e6) + " M";
}

std::string in_si(double number) {
  const Scale scale = pick(number, {{1e12, " T"}, {1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1.0, ""}});
  // "15 T" rather than "15.0 T": people write round numbers here.
  return fmt::format("{:.4g}{}", number / scale.size, scale.name);
}

}  // namespace foreshard::report
