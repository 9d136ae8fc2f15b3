#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "runtime/device/cuda/cuda_device.hpp"
#include "tests/runtime/kernels/bf16_case.hpp"

namespace foreshard::test {

/// The GPU of all tests.
CudaDevice& gpu();

/// Sums in another order, and exponentials to 2 ulp.
inline constexpr double kFp32Bound = 1e-5;

inline constexpr double kAttentionBound = kFp32Bound;

/// That of tests which hand in calls themselves.
inline Device& tested_device() { return gpu(); }

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

/// A case whose operands are of several widths.
template <class Call>
void check_in_own_widths(const Case<Call>& one, double tolerance = kBf16Bound) {
  check_on_gpu(one, std::max(tolerance, kFp32Bound));
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
