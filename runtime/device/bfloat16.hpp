#pragma once

#include <bit>
#include <cstdint>

namespace foreshard {

/// bf16: the upper half of a float. Source: IEEE 754 binary32 with 8 bits of significand kept.
struct BFloat16 {
  std::uint16_t bits = 0;

  constexpr BFloat16() = default;
  /// Rounds to nearest, ties to even; a NaN stays one.
  constexpr explicit BFloat16(float value) {
    const auto whole = std::bit_cast<std::uint32_t>(value);
    const bool is_nan = (whole & 0x7FFFFFFFU) > 0x7F800000U;
    const std::uint32_t rounded = is_nan ? whole | 0x00400000U : whole + 0x7FFFU + ((whole >> 16U) & 1U);
    bits = static_cast<std::uint16_t>(rounded >> 16U);
  }
  constexpr explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
  }
};

}  // namespace foreshard
