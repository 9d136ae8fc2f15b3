#pragma once

#include <type_traits>

#include "runtime/device/bfloat16.hpp"
#include "tests/runtime/kernels/run_case.hpp"

// Makes bf16 cases of fp32 cases, and says how accurate their results must be.

namespace foreshard::test {

// The operands that are fp32 even if the others are bf16: statistics, losses, optimizer states.
template <class Call>
bool is_always_fp32(Buffer Call::* /*operand*/) {
  return false;
}
template <>
inline bool is_always_fp32(Buffer AttentionCall::*operand) {
  return operand == &AttentionCall::lse || operand == &AttentionCall::d_sinks;
}
template <>
inline bool is_always_fp32(Buffer NormCall::*operand) {
  return operand == &NormCall::stats;
}
template <>
inline bool is_always_fp32(Buffer CrossEntropyCall::*operand) {
  return operand == &CrossEntropyCall::max || operand == &CrossEntropyCall::sums ||
         operand == &CrossEntropyCall::loss;
}
template <>
inline bool is_always_fp32(Buffer UpdateCall::*operand) {
  return operand == &UpdateCall::grad_norm || operand == &UpdateCall::master || operand == &UpdateCall::m ||
         operand == &UpdateCall::v || operand == &UpdateCall::m_scale || operand == &UpdateCall::v_scale;
}

template <>
inline bool is_always_fp32(Buffer RouteCall::*operand) {
  return operand == &RouteCall::routes || operand == &RouteCall::d_routes;
}
template <>
inline bool is_always_fp32(Buffer PermuteCall::*operand) {
  return operand == &PermuteCall::routes || operand == &PermuteCall::d_routes;
}

inline double rounded_to_bf16(double number) {
  return static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(number))));
}

/// The case with bf16 operands. Their numbers are rounded to bf16 first, so that the comparison shows only
/// the rounding inside the kernel.
template <class Call>
Case<Call> in_bf16(Case<Call> one) {
  bool sums_squares = false;
  if constexpr (std::is_same_v<Call, PointwiseCall>)
    sums_squares = one.call.kind == PointwiseKind::sum_squares;
  for (Bound<Call>& operand : one.operands) {
    if (operand.type != DType::fp32 || is_always_fp32(operand.buffer)) continue;
    if constexpr (std::is_same_v<Call, PointwiseCall>) {
      if (sums_squares && operand.buffer == &PointwiseCall::y) continue;
    }
    operand.type = DType::bf16;
    for (double& number : operand.values) number = rounded_to_bf16(number);
  }
  return one;
}

/// The relative rounding error of bf16 is at most 2⁻⁸; the bound, relative to the norm, allows two roundings.
inline constexpr double kBf16Bound = 2.0 / 256.0;

}  // namespace foreshard::test
