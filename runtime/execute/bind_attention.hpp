#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/bind_kernels.hpp"

namespace foreshard {

/// Translates an attention core into calls to the device: an AttentionCall; or a GatheredAttentionCall with context
/// parallelism, in latent attention, and where values are not as wide as keys.
/// @param operands  by index of the operation's operands
std::vector<KernelCall> bind_attention(const RankView& rank, const Op& op, std::span<const Buffer> operands);

/// A collective of the context-parallel group, with the kernels that pack and unpack the columns that are
/// exchanged. Of a fused qkv, only the keys and values are exchanged; with Ulysses, every member gets a share
/// of the heads.
struct BoundExchange {
  std::vector<KernelCall> before{};
  CollectiveCall call{};  ///< its `pieces` are not set yet
  Piece piece{};
  std::vector<KernelCall> after{};
};

/// @param scratch  as many elements of the operands' dtype as the largest operand of an all-to-all has
BoundExchange bind_cp_exchange(const RankView& rank, const Op& op, std::span<const Buffer> operands,
                               const Buffer& scratch);

}  // namespace foreshard
