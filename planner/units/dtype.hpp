#pragma once

#include <cstddef>
#include <cstdint>

#include "planner/units/count.hpp"

namespace foreshard {

/// Element types of tensors and of matrix arithmetic. tf32 is arithmetic only (stored as fp32).
/// The formats of 8 and 4 bits differ in how many elements share a scale:
///   fp8          a whole tensor (or, of a weight, a square of 128 × 128): the scales' bytes do not count
///   fp8_rowwise  a row or a column: not counted either
///   fp8_block    128 elements, scale of 4 bytes (DeepSeek-V3, arXiv:2412.19437, section 3.3)
///   mxfp8        32 elements, scale of 1 byte (OCP Microscaling Formats 1.0)
///   nvfp4        16 elements of 4 bits, scale of 1 byte, and one more scale for the tensor (arXiv:2509.25149)
///   nf4          64 elements of 4 bits, scale of 1 byte, and a scale of 4 bytes for every 256 of these: double
///                quantisation (arXiv:2305.14314, section 3)
enum class DType : std::uint8_t {
  fp64,
  fp32,
  tf32,
  bf16,
  fp16,
  fp8,
  fp8_rowwise,
  fp8_block,
  mxfp8,
  nvfp4,
  nf4,
  int32,
  uint8
};
inline constexpr std::size_t kDTypeCount = 13;

/// Bits of one element, without scales.
constexpr std::int64_t bits_of(DType type) {
  switch (type) {
    case DType::fp64: return 64;
    case DType::fp32:
    case DType::tf32:
    case DType::int32: return 32;
    case DType::bf16:
    case DType::fp16: return 16;
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::fp8_block:
    case DType::mxfp8:
    case DType::uint8: return 8;
    case DType::nvfp4:
    case DType::nf4: return 4;
  }
  return 0;
}

/// True for types of 8 and 4 bits: their elements are meaningless without a scale.
constexpr bool is_scaled(DType type) {
  switch (type) {
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::fp8_block:
    case DType::mxfp8:
    case DType::nvfp4:
    case DType::nf4: return true;
    case DType::fp64:
    case DType::fp32:
    case DType::tf32:
    case DType::bf16:
    case DType::fp16:
    case DType::int32:
    case DType::uint8: return false;
  }
  return false;
}

/// Whole bytes that one element takes by itself, without scales.
constexpr std::int64_t size_in_bytes(DType type) { return ceil_divide(bits_of(type), std::int64_t{8}); }

/// Bytes of the scales of `elements` elements of `type`.
constexpr std::int64_t scale_bytes(DType type, std::int64_t elements) {
  switch (type) {
    case DType::fp8_block: return checked_product(ceil_divide(elements, std::int64_t{128}), 4);
    case DType::mxfp8: return ceil_divide(elements, std::int64_t{32});
    case DType::nvfp4: return ceil_divide(elements, std::int64_t{16});
    case DType::nf4: {
      const std::int64_t blocks = ceil_divide(elements, std::int64_t{64});
      return blocks + checked_product(ceil_divide(blocks, std::int64_t{256}), 4);
    }
    case DType::fp64:
    case DType::fp32:
    case DType::tf32:
    case DType::bf16:
    case DType::fp16:
    case DType::fp8:
    case DType::fp8_rowwise:
    case DType::int32:
    case DType::uint8: return 0;
  }
  return 0;
}

/// Bytes of `elements` elements of `type`, with their scales.
constexpr Bytes bytes_of(DType type, std::int64_t elements) {
  const std::int64_t numbers = bits_of(type) < 8 ? ceil_divide(elements, 8 / bits_of(type))
                                                 : checked_product(elements, size_in_bytes(type));
  return Bytes(numbers + scale_bytes(type, elements));
}

}  // namespace foreshard
