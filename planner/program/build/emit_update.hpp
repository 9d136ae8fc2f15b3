#pragma once

#include "planner/program/program_builder.hpp"

// The blocks before and after the micro-batches of a step: zero the gradients, synchronise them over dp,
// compute their norm, run the optimizer.

namespace foreshard {

/// The blocks of one weight group outside forward and backward.
struct UpdateBlocks {
  BlockId zero;    ///< gradients = 0
  BlockId norm;    ///< grad_norm += Σ g²
  BlockId update;  ///< the optimizer step
};
UpdateBlocks emit_update(ProgramBuilder& builder, const WeightGroup& group);

/// The blocks of the global gradient norm: grad_norm = 0, and its sum over all ranks.
struct NormBlocks {
  BlockId zero;
  BlockId reduce;
};
NormBlocks emit_gradient_norm(ProgramBuilder& builder);

/// Weights that are synchronised together: those of `group` in `layers` consecutive layers, the first of
/// which is the block call's layer + `first`.
struct SyncUnit {
  const WeightGroup* group = nullptr;
  std::int64_t layers = 1;
  std::int64_t first = 0;
};

/// One block that sums the gradients of these units over their data-parallel replicas, by all-reduces or,
/// with ZeRO-1, by in-place reduce-scatters. Each collective carries at most the framework's bucket size, but
/// at least one tensor. None without data parallelism, and from ZeRO-2 on, where each backward block
/// scatters.
std::optional<BlockId> emit_gradient_sync(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name);

/// One block that gathers updated weights over dp with ZeRO-1 and 2. None otherwise.
std::optional<BlockId> emit_weight_gather(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name);

/// One block with the all-reduce over tp of those gradients of the group that are partial sums over tp
/// (partial_gradient_weights). None if there are none.
std::optional<BlockId> emit_partial_sync(ProgramBuilder& builder, const WeightGroup& group);

/// One block with the all-reduce of a tied table's gradient between the first and the last stage.
BlockId emit_tied_sync(ProgramBuilder& builder, const WeightGroup& table);

/// Bytes of a group's gradients on one rank: of one layer if the group is per layer, else of all of them.
Bytes gradient_bytes(const ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
