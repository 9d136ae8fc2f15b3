#pragma once

#include <type_traits>
#include <vector>

#include "runtime/device/bfloat16.hpp"
#include "runtime/device/cuda/cuda_device.hpp"
#include "tests/runtime/kernels/run_case.hpp"

namespace foreshard::test {

/// The GPU of all tests.
CudaDevice& gpu();

// Operands that are fp32 whatever the others are: statistics, losses, states. Those of a call's own dtype are
// not listed.
template <class Call>
bool is_always_fp32(Buffer Call::* /*operand*/) {
  return false;
}
template <>
inline bool is_always_fp32(Buffer AttentionCall::*operand) {
  return operand == &AttentionCall::lse;
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
         operand == &UpdateCall::v;
}

/// The case with bf16 operands: numbers that bf16 can say, so that what is compared is the kernel's own
/// rounding.
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
    for (double& number : operand.values)
      number = static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(number))));
  }
  return one;
}

/// bf16 rounds to 2⁻⁸ of a number at most; twice that norm-wise leaves room for what is rounded twice.
inline constexpr double kBf16Bound = 2.0 / 256.0;
/// Sums in another order, and exponentials to 2 ulp.
inline constexpr double kFp32Bound = 1e-5;

template <class Call>
void check_on_gpu(const Case<Call>& one, double tolerance) {
  ReferenceDevice reference;
  const std::vector<Numbers> expected = run_case(reference, one);
  const std::vector<Numbers> found = run_case(gpu(), one);
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("operand " << i);
    CHECK(distance(found[i], expected[i]) <= tolerance);
  }
  // The same bits again, but for cuDNN's backward.
  bool is_repeatable = true;
  if constexpr (std::is_same_v<Call, AttentionCall>) is_repeatable = !one.call.backward;
  if (is_repeatable) CHECK((run_case(gpu(), one) == found));
}

/// The tolerance that is stated for the processor does not bind a GPU: its own do.
template <class Call>
void check_against_reference(const Case<Call>& one, double /*tolerance*/) {
  {
    INFO("fp32");
    check_on_gpu(one, kFp32Bound);
  }
  INFO("bf16");
  check_on_gpu(in_bf16(one), kBf16Bound);
}

template <class Call>
void check_values(const Case<Call>& one, const std::vector<Numbers>& expected) {
  const std::vector<Numbers> found = run_case(gpu(), one);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("operand " << i);
    CHECK(distance(found[i], expected[i]) <= kFp32Bound);
  }
}

}  // namespace foreshard::test
