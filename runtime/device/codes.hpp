#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace foreshard {

/// Numbers of 8 bits: a sign, an exponent, a mantissa, which stand for a value once a scale is known.
///   e4m3  1 + 4 + 3 bits, bias 7: up to 448, normal from 2⁻⁶, subnormal from 2⁻⁹; no infinities, NaN is 0x7f
///   e5m2  1 + 5 + 2 bits, bias 15: up to 57344, normal from 2⁻¹⁴, subnormal from 2⁻¹⁶; infinities as IEEE has them
/// Source: Micikevicius et al. 2022, arXiv:2209.05433, table 1.
enum class CodeFormat : std::uint8_t { e4m3, e5m2 };

/// What a format's bits mean.
struct CodeLayout {
  int mantissa_bits = 0;
  int bias = 0;
  std::uint8_t largest_code = 0;
  std::uint8_t nan_code = 0;
  float largest = 0.0F;
  float smallest_normal = 0.0F;
  float smallest = 0.0F;  ///< the distance between subnormal numbers
};

constexpr CodeLayout layout_of(CodeFormat format) {
  if (format == CodeFormat::e4m3) {
    return {.mantissa_bits = 3,
            .bias = 7,
            .largest_code = 0x7e,
            .nan_code = 0x7f,
            .largest = 448.0F,
            .smallest_normal = 0x1p-6F,
            .smallest = 0x1p-9F};
  }
  return {.mantissa_bits = 2,
          .bias = 15,
          .largest_code = 0x7b,
          .nan_code = 0x7f,
          .largest = 57344.0F,
          .smallest_normal = 0x1p-14F,
          .smallest = 0x1p-16F};
}

/// The code of the nearest number; of two equally near ones, that whose last bit is 0. Larger magnitudes, infinities
/// included, become the largest number.
inline std::uint8_t encode(CodeFormat format, float value) {
  const CodeLayout layout = layout_of(format);
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 24 & 0x80U;
  bits &= 0x7fffffffU;
  const float magnitude = std::bit_cast<float>(bits);
  std::uint32_t code = layout.nan_code;
  if (magnitude >= layout.largest) {
    code = layout.largest_code;
  } else if (magnitude < layout.smallest_normal) {
    // fp32 numbers from 2²³·smallest on are as far apart as the subnormal numbers: the sum is rounded to one of them.
    const float base = 0x1p23F * layout.smallest;
    code = std::bit_cast<std::uint32_t>(magnitude + base) - std::bit_cast<std::uint32_t>(base);
  } else if (magnitude < layout.largest) {
    const int dropped = 23 - layout.mantissa_bits;
    bits += (1U << (dropped - 1)) - 1 + (bits >> dropped & 1U);
    code = (bits >> dropped) - (static_cast<std::uint32_t>(127 - layout.bias) << layout.mantissa_bits);
  }
  return static_cast<std::uint8_t>(sign | code);
}

/// The value of each of the 256 codes.
const std::array<float, 256>& code_values(CodeFormat format);

/// The value of the code that encode() finds, found by arithmetic on the value.
double nearest_code_value(CodeFormat format, double value);

/// The smallest e for which magnitudes up to `largest` fit into codes with the scale 2^e: the numbers are codes · 2^e.
/// Scales are powers of two, so that products and sums of what codes stand for are those of the codes themselves, and
/// a rank that finds another scale than the whole tensor has rounds all numbers alike that are not subnormal.
/// Between −100 and 100, so that bf16 holds the values of all codes exactly; 0 if nothing was measured.
/// Example: e4m3 and 500 give 1, because 500 > 448.
/// Source: the scales of mxfp8 round up in Mishra et al. 2025, arXiv:2506.08027, section 3; powers of two for whole tensors
/// were Transformer Engine's first rule, and torchao has them as round_scales_to_power_of_2.
int scale_exponent(CodeFormat format, double largest);

}  // namespace foreshard
