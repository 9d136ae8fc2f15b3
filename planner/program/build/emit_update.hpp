#pragma once

#include "planner/program/program_builder.hpp"

// What surrounds the passes of a step: zeroing gradients, synchronising them over dp, their norm, the
// optimizer.

namespace foreshard {

/// The blocks of one weight group outside forward and backward.
struct UpdateBlocks {
  BlockId zero;    ///< gradients = 0
  BlockId norm;    ///< grad_norm += Σ g²
  BlockId update;  ///< the optimizer's step
};
UpdateBlocks emit_update(ProgramBuilder& builder, const WeightGroup& group);

/// grad_norm = 0, and its sum over all ranks.
struct NormBlocks {
  BlockId zero;
  BlockId reduce;
};
NormBlocks emit_gradient_norm(ProgramBuilder& builder);

/// What is synchronised together: the weights of `group` in `layers` consecutive layers from the visit's
/// layer + `first`.
struct SyncUnit {
  const WeightGroup* group = nullptr;
  std::int64_t layers = 1;
  std::int64_t first = 0;
};

/// One block that sums the gradients of these units over data-parallel replicas: an all-reduce, or, under
/// ZeRO-1, a reduce-scatter in place. Collectives carry at most the framework's bucket each, but at least one
/// tensor. Empty from ZeRO-2 on, where every backward scatters, and without data parallelism.
std::optional<BlockId> emit_gradient_sync(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name);

/// Gathers updated weights over dp under ZeRO-1 and 2. Empty otherwise.
std::optional<BlockId> emit_weight_gather(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name);

/// All-reduce over tp of the gradients that stand as partial sums on its ranks. Empty where there are none.
std::optional<BlockId> emit_partial_sync(ProgramBuilder& builder, const WeightGroup& group);

/// All-reduce of a tied table's gradient over first and last stage.
BlockId emit_tied_sync(ProgramBuilder& builder, const WeightGroup& table);

/// Bytes of one layer's (or one rank's) gradients of a group.
Bytes gradient_bytes(const ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
