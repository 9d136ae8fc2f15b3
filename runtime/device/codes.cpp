#include "runtime/device/codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace foreshard {
namespace {

float value_of(CodeFormat format, std::uint8_t code) {
  const CodeLayout layout = layout_of(format);
  const int magnitude = code & 0x7f;
  const float sign = code < 0x80 ? 1.0F : -1.0F;
  if (magnitude > layout.largest_code) {
    const bool is_infinite = format == CodeFormat::e5m2 && magnitude == layout.largest_code + 1;
    return is_infinite ? sign * std::numeric_limits<float>::infinity()
                       : std::numeric_limits<float>::quiet_NaN();
  }
  const int steps = 1 << layout.mantissa_bits;
  const int exponent = magnitude / steps;
  const int mantissa = magnitude % steps + (exponent > 0 ? steps : 0);
  return sign *
         std::ldexp(static_cast<float>(mantissa), std::max(exponent, 1) - layout.bias - layout.mantissa_bits);
}

std::array<float, 256> values_of(CodeFormat format) {
  std::array<float, 256> values{};
  for (std::size_t code = 0; code < values.size(); ++code)
    values[code] = value_of(format, static_cast<std::uint8_t>(code));
  return values;
}

}  // namespace

const std::array<float, 256>& code_values(CodeFormat format) {
  static const std::array<float, 256> kE4m3 = values_of(CodeFormat::e4m3);
  static const std::array<float, 256> kE5m2 = values_of(CodeFormat::e5m2);
  return format == CodeFormat::e4m3 ? kE4m3 : kE5m2;
}

double nearest_code_value(CodeFormat format, double value) {
  if (std::isnan(value) || value == 0.0) return value;
  const CodeLayout layout = layout_of(format);
  const double largest = layout.largest;
  if (std::abs(value) >= largest) return std::copysign(largest, value);
  // Numbers of one exponent are `step` apart, and so are all below the smallest normal one.
  const int exponent = std::max(std::ilogb(value), std::ilogb(layout.smallest_normal));
  const double step = std::ldexp(1.0, exponent - layout.mantissa_bits);
  return std::nearbyint(value / step) * step;
}

int scale_exponent(CodeFormat format, double largest) {
  constexpr int kMost = 100;
  if (!(largest > 0.0)) return 0;
  if (std::isinf(largest)) return kMost;
  const double most = layout_of(format).largest;
  const int exponent = std::ilogb(largest) - std::ilogb(most);
  return std::clamp(largest > std::ldexp(most, exponent) ? exponent + 1 : exponent, -kMost, kMost);
}

}  // namespace foreshard
