#pragma once

#include <cstdint>

#include "planner/units/dtype.hpp"

namespace foreshard {

/// The arithmetic of the layers' matrix products. Activations and weights are stored in bf16 where it has 8 or
/// 4 bits, in fp32 for tf32.
enum class Precision : std::uint8_t { fp32, tf32, bf16, fp16, fp8, mxfp8, nvfp4 };

/// Which elements of an fp8 tensor share a scale, and when it is found.
///   delayed     all of a tensor; from the largest magnitudes of earlier steps
///   tensorwise  all of a tensor; from its own largest magnitude, in a pass of its own ("current scaling")
///   rowwise     a row, or a column where the product sums over the rows
///   block       1 × 128 of activations and gradients, 128 × 128 of weights
///   mx          32: what precision mxfp8 says
enum class Fp8Scaling : std::uint8_t { delayed, tensorwise, rowwise, block, mx };

enum class AttentionPrecision : std::uint8_t { bf16, fp8 };

/// What a job with products of 8 or 4 bits says besides.
struct LowPrecisionSpec {
  bool parameter_gather = false;  ///< weights are kept and gathered over data parallelism in this precision
  AttentionPrecision attention = AttentionPrecision::bf16;
  std::int64_t bf16_first = 0;  ///< layers at the start whose products stay in bf16
  std::int64_t bf16_last = 0;   ///< the same at the end
  friend bool operator==(const LowPrecisionSpec&, const LowPrecisionSpec&) = default;
};

/// The data type of the layers' products.
constexpr DType product_type(Precision precision, Fp8Scaling scaling) {
  switch (precision) {
    case Precision::fp32: return DType::fp32;
    case Precision::tf32: return DType::tf32;
    case Precision::bf16: return DType::bf16;
    case Precision::fp16: return DType::fp16;
    case Precision::mxfp8: return DType::mxfp8;
    case Precision::nvfp4: return DType::nvfp4;
    case Precision::fp8: break;
  }
  switch (scaling) {
    case Fp8Scaling::delayed:
    case Fp8Scaling::tensorwise: return DType::fp8;
    case Fp8Scaling::rowwise: return DType::fp8_rowwise;
    case Fp8Scaling::block: return DType::fp8_block;
    case Fp8Scaling::mx: return DType::mxfp8;
  }
  return DType::fp8;
}

/// The type in which activations and weights are stored.
constexpr DType storage_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::tf32: return DType::fp32;
    case Precision::fp16: return DType::fp16;
    case Precision::bf16:
    case Precision::fp8:
    case Precision::mxfp8:
    case Precision::nvfp4: return DType::bf16;
  }
  return DType::bf16;
}

/// The type of products that a job with products of 8 or 4 bits keeps wider: the head, the router, adapters,
/// attention, layers at the ends.
constexpr DType wide_product_type(Precision precision) {
  return precision == Precision::tf32 ? DType::tf32 : storage_type(precision);
}

}  // namespace foreshard
