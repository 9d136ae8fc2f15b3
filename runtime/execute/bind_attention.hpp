#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/bind_kernels.hpp"

namespace foreshard {

/// True where an attention core's queries and keys lie apart: context parallelism and latent attention.
bool is_spread(const StepProgram& program, const Attention& core);

/// Such a core as calls to the device. @param operands by index of the operation's operands
std::vector<KernelCall> bind_gathered_attention(const RankView& rank, const Op& op,
                                                std::span<const Buffer> operands);

/// A collective of the context-parallel group, and what packs and unpacks the columns that travel: of a fused
/// qkv the keys and values alone; for ulysses a share of the heads for every member.
struct BoundExchange {
  std::vector<KernelCall> before{};
  CollectiveCall call{};  ///< without its piece
  Piece piece{};
  std::vector<KernelCall> after{};
};

/// @param scratch  at least exchange_scratch_elements(), of the operands' dtype
BoundExchange bind_cp_exchange(const RankView& rank, const Op& op, std::span<const Buffer> operands,
                               const Buffer& scratch);

/// Elements that packing takes beside the arena: the largest tensor of a context-parallel all-to-all.
std::int64_t exchange_scratch_elements(const StepProgram& program);

}  // namespace foreshard
