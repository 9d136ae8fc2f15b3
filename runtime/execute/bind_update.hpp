#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/execute/bind_collective.hpp"
#include "runtime/execute/bind_kernels.hpp"

// The optimizer's operations, translated into calls. @param operands  by index of the operation's operands
//
// Muon's Newton-Schulz steps are X ← a·X + (b·G + c·G²)·X with G = X·Xᵀ. The products add to their results, so
// that these begin as a scaled copy: with Y = c^(1/4)·X and Ĝ = Y·Yᵀ = √c·G,
//   H = (b/√c)·Ĝ;  H += Ĝ·Ĝ        Y ← a·Y;  Y += H·Y
// Coefficients: Jordan et al. 2024, kellerjordan.github.io/posts/muon. A weight changes by the result times
// 0.2·√(the larger of its sides), so that Adam's learning rates suit (Liu et al. 2025, arXiv:2502.16982).

namespace foreshard {

std::vector<KernelCall> bind_update(const RankView& rank, const Op& op, const OptimizerUpdate& update,
                                    std::span<const Buffer> operands);

/// A product of a Newton-Schulz step, for each matrix of the iterate.
std::vector<KernelCall> bind_orthogonal_product(const RankView& rank, const Op& op, const Gemm& gemm,
                                                std::span<const Buffer> operands);
/// The sum of squares of each matrix of an iterate, or the iterate divided by its norm.
std::vector<KernelCall> bind_orthogonal_pass(const Op& op, const Pointwise& pass,
                                             std::span<const Buffer> operands);

/// The exchange between a rank's shares of the iterates of several layers and the whole iterates of one layer.
/// Layer number k falls to member k of the group. Every member sends every other one share of each iterate, as
/// it is allocated; where there is no layer, zeros.
BoundCollective bind_update_exchange(const RankView& rank, const Op& op, const Collective& collective,
                                     std::span<const Buffer> operands, const Buffer& scratch);
/// Elements of the scratch buffer that it needs.
std::int64_t update_exchange_elements(const StepProgram& program, const Op& op, const Collective& collective);

}  // namespace foreshard
