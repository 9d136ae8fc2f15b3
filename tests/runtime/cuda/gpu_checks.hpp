#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "runtime/device/cuda/cuda_device.hpp"
#include "tests/runtime/kernels/bf16_case.hpp"

namespace foreshard::test {

/// The GPU that all tests use.
CudaDevice& gpu();

/// The order of sums differs, and exponentials have errors of 2 ulp.
inline constexpr double kFp32Bound = 1e-5;

inline constexpr double kAttentionBound = kFp32Bound;

/// The device for tests that run calls themselves.
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
  // A second run must give the same bits, except in cuDNN's backward.
  bool is_repeatable = true;
  if constexpr (std::is_same_v<Call, AttentionCall>) is_repeatable = !one.call.backward;
  if (is_repeatable) CHECK((run_case(gpu(), one) == found));
}

/// The tolerance stated for the CPU is not used: a GPU has its own.
template <class Call>
void check_against_reference(const Case<Call>& one, double /*tolerance*/) {
  {
    INFO("fp32");
    check_on_gpu(one, kFp32Bound);
  }
  INFO("bf16");
  check_on_gpu(in_bf16(one), kBf16Bound);
}

/// A case with operands of several dtypes.
template <class Call>
void check_in_own_dtypes(const Case<Call>& one, double tolerance = kBf16Bound) {
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
