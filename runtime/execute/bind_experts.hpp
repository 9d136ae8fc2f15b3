#pragma once

#include <span>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/bind_kernels.hpp"

namespace foreshard {

/// True for the collectives that send tokens to their experts and back.
bool carries_routed_rows(const Op& op);

// These functions translate operations of a mixture of experts into calls. Values that depend on how tokens
// were routed are read from rank.routing when a call runs. @param operands  by index of the operation's
// operands

std::vector<KernelCall> bind_route(const RankView& rank, const Op& op, std::span<const Buffer> operands);
std::vector<KernelCall> bind_permute(const RankView& rank, const Op& op, std::span<const Buffer> operands);
std::vector<KernelCall> bind_grouped_gemm(const RankView& rank, const Op& op,
                                          std::span<const Buffer> operands);
/// The gradients of experts' biases: each sums over its expert's rows.
KernelCall bind_grouped_bias_gradient(const RankView& rank, const Op& op, std::span<const Buffer> operands);
/// The call of such a collective; its `pieces` are not set yet. @pre carries_routed_rows(op)
CollectiveCall bind_routed_exchange(const RankView& rank, const Op& op);

}  // namespace foreshard
