#pragma once

#include <compare>
#include <string>

#include "planner/program/ops/op.hpp"
#include "planner/spec/types/kernel_constants.hpp"

namespace foreshard {

/// Kernels that share constants of the cost model: all matrix products, or one kind of pass, forward or
/// backward.
struct KernelFamily {
  MemoryPass pass = MemoryPass::elementwise;
  bool backward = false;
  friend constexpr auto operator<=>(const KernelFamily&, const KernelFamily&) = default;

  [[nodiscard]] bool is_product() const { return pass == MemoryPass::gemm; }
  [[nodiscard]] bool is_attention() const { return pass == MemoryPass::attention; }
  /// Whether a bandwidth describes it.
  [[nodiscard]] bool is_memory() const { return !is_product() && !is_attention(); }
};

/// @pre `op` is neither communication nor a product of experts
KernelFamily family_of(const Op& op);

/// "matrix products", "norm", "norm backward"
std::string to_string(const KernelFamily& family);

}  // namespace foreshard
