#pragma once

#include <span>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/bind_kernels.hpp"

namespace foreshard {

/// True of the collectives that carry tokens to their experts and back.
bool carries_routed_rows(const Op& op);

// Operations of a mixture of experts as calls; what depends on how tokens were routed is read from
// rank.routing when a call runs. @param operands by index of the operation's operands

std::vector<KernelCall> bind_route(const RankView& rank, const Op& op, std::span<const Buffer> operands);
std::vector<KernelCall> bind_permute(const RankView& rank, const Op& op, std::span<const Buffer> operands);
std::vector<KernelCall> bind_grouped_gemm(const RankView& rank, const Op& op,
                                          std::span<const Buffer> operands);
/// Without its piece. @pre carries_routed_rows(op)
CollectiveCall bind_routed_exchange(const RankView& rank, const Op& op);

}  // namespace foreshard
