#pragma once

#include <optional>

#include "planner/program/build/emit_muon.hpp"
#include "planner/program/program_builder.hpp"

// The blocks before and after the micro-batches of a step: zero the gradients, synchronise them over dp,
// compute their norm, run the optimizer.

namespace foreshard {

/// The blocks of one weight group outside forward and backward.
struct UpdateBlocks {
  std::optional<BlockId> zero;      ///< gradients = 0; none if backward writes them anew
  std::optional<BlockId> norm;      ///< grad_norm += Σ g²; none if weights are updated in backward
  std::optional<BlockId> momentum;  ///< where Muon updates matrices: before emit_orthogonal() and the update
  BlockId update;                   ///< the optimizer step
};
UpdateBlocks emit_update(ProgramBuilder& builder, const WeightGroup& group);

/// True if the group's weights are updated right after the backward block that completes their gradients
/// (training.optimizer_in_backward), which are then freed. False for a tied table.
bool updates_in_backward(const ProgramBuilder& builder, const WeightGroup& group);

/// Makes `backward` write the group's gradients anew instead of adding to them, and ends their life with
/// their last use, if the group is updated in backward.
void free_gradients(ProgramBuilder& builder, const WeightGroup& group, Block& backward);

/// The blocks of the gradient norm: grad_norm = 0, and its sum over all ranks. With training.optimizer_post_validation
/// a stage's update waits for the sum over its own ranks only; what stages tell each other is a few bytes, which the
/// program leaves out.
struct NormBlocks {
  BlockId zero;
  std::vector<BlockId> reduce{};
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
/// at least one tensor. None without data parallelism, and from ZeRO-2 on for gradients that are cut: each
/// backward block scatters those.
std::optional<BlockId> emit_gradient_sync(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name);

/// True if updated weights are gathered at the start of the next step, beside its first forward pass
/// (training.overlap.gather), and not after the update.
bool gathers_at_start(const JobSpec& job);
/// Updated weights per gather (ZeRO-1 and 2), at least one tensor's; 0: one gather for everything.
Bytes gather_bucket(const JobSpec& job);

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
