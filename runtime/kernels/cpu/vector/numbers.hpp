#pragma once

#include <cstdint>

#include "runtime/device/bfloat16.hpp"
#include "runtime/device/buffer.hpp"
#include "runtime/kernels/cpu/vector/loops.hpp"

// Reading fp32 and bf16 numbers as fp32, and storing fp32 results in either. Loops are templates over the
// element type and compile to vector instructions for both.

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

FORESHARD_INLINE bool is_bf16(const Buffer& buffer) { return buffer.type == DType::bf16; }

FORESHARD_INLINE float number(float x) { return x; }
FORESHARD_INLINE float number(BFloat16 x) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(x.bits) << 16U);
}

FORESHARD_INLINE void put(float& to, float value) { to = value; }
/// Rounds to nearest, ties to even; a NaN stays a NaN. Like BFloat16's constructor, but in a form that the
/// compiler vectorises.
FORESHARD_INLINE void put(BFloat16& to, float value) {
  const auto whole = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t rounded = whole + 0x7FFFU + ((whole >> 16U) & 1U);
  const bool is_nan = static_cast<std::int32_t>(whole & 0x7FFFFFFFU) > 0x7F800000;
  to.bits = static_cast<std::uint16_t>((is_nan ? whole | 0x00400000U : rounded) >> 16U);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
