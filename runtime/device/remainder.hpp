#pragma once

#include <cstdint>

namespace foreshard {

/// An fp32 number as a bf16 one and the 16 bits that it lacks. The bf16 number is the nearest; halfway, the one farther
/// from zero. So a remainder of 0x8000 or more, which is negative as a signed number, says that the upper half was rounded
/// up. Source: Transformer Engine's fused Adam with store_param_remainders
/// (transformer_engine/common/multi_tensor/adam.cu).
///
/// Example: 0x3F80C000 (1.0058594) is 0x3F81 (1.0078125) with the remainder 0xC000.
struct SplitNumber {
  std::uint16_t upper = 0;  ///< the bits of a bf16 number
  std::uint16_t remainder = 0;

  static constexpr SplitNumber of(std::uint32_t fp32_bits) {
    const auto remainder = static_cast<std::uint16_t>(fp32_bits & 0xFFFFU);
    const std::uint32_t up = remainder >= 0x8000U ? 1 : 0;
    return {static_cast<std::uint16_t>((fp32_bits >> 16U) + up), remainder};
  }
  [[nodiscard]] constexpr std::uint32_t whole() const {
    const std::uint32_t up = remainder >= 0x8000U ? 1 : 0;
    return ((upper - up) << 16U) | remainder;
  }
};

}  // namespace foreshard
