#pragma once

#include <cstddef>
#include <cstdint>

#include "planner/units/count.hpp"

namespace foreshard {

/// Element types of tensors and of matrix arithmetic. tf32 is arithmetic only (stored as fp32).
enum class DType : std::uint8_t { fp64, fp32, tf32, bf16, fp16, fp8, int32, uint8 };
inline constexpr std::size_t kDTypeCount = 8;

constexpr std::int64_t size_in_bytes(DType type) {
  switch (type) {
    case DType::fp64: return 8;
    case DType::fp32:
    case DType::tf32:
    case DType::int32: return 4;
    case DType::bf16:
    case DType::fp16: return 2;
    case DType::fp8:
    case DType::uint8: return 1;
  }
  return 0;
}

/// Bytes of `elements` elements of `type`.
constexpr Bytes bytes_of(DType type, std::int64_t elements) {
  return Bytes(checked_product(elements, size_in_bytes(type)));
}

}  // namespace foreshard
