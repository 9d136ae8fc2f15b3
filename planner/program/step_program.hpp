#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/program/block.hpp"
#include "planner/program/slot.hpp"
#include "planner/program/tensors/tensor.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// One run of a block: for this layer. The micro-batch and chunk come from the slot it stands in.
struct BlockCall {
  BlockId block;
  LayerId layer;
  friend constexpr bool operator==(const BlockCall&, const BlockCall&) = default;
};

/// The blocks of one model chunk of one stage, in program order.
struct Chunk {
  std::vector<BlockCall> forward;
  std::vector<BlockCall> backward;
  /// The backward pass of the step's last micro-batch: backward with the gradient synchronisation that
  /// overlaps it in between. Empty: as backward.
  std::vector<BlockCall> last_backward;
  /// The weight gradients, where the schedule runs them in a pass of their own after backward. Else empty.
  std::vector<BlockCall> weight{};
  /// The weight pass of the step's last micro-batch, as last_backward. Empty: as weight.
  std::vector<BlockCall> last_weight{};
};

/// What the ranks of one pipeline stage do in one step. Every rank of the stage does the same to its own
/// shard, so a stage is a rank class.
struct StageProgram {
  std::vector<BlockCall> prologue;
  std::vector<Chunk> chunks;  ///< by ChunkId
  std::vector<Slot> order;    ///< the schedule's choice
  std::vector<BlockCall> epilogue;
};

/// What each rank does in one training step: the object that the planner sums, the simulator schedules and
/// the runtime executes.
struct StepProgram {
  static constexpr int kVersion = 1;  ///< of the JSON form

  std::string name;
  std::int64_t micro_batches = 1;
  std::int64_t sequences = 1;        ///< of one micro-batch
  std::int64_t sequence_length = 1;  ///< positions of a sequence, over all context-parallel ranks
  std::vector<Group> groups;         ///< by GroupKind
  std::vector<Tensor> tensors;
  std::vector<Block> blocks;
  std::vector<StageProgram> stages;

  [[nodiscard]] const Tensor& tensor(TensorId id) const { return tensors[id.at()]; }
  [[nodiscard]] const Block& block(BlockId id) const { return blocks[id.at()]; }
  [[nodiscard]] const Group& group(GroupKind kind) const { return groups[static_cast<std::size_t>(kind)]; }
};

/// The devices on which the program runs, from the sizes of its groups.
DeviceMesh mesh_of(const StepProgram& program);

/// Sequences of one step on all data-parallel replicas.
std::int64_t sequences_per_step(const StepProgram& program);

/// Tokens that the model knows: the rows of its token table without padding.
/// @throws std::logic_error where no tensor is a token table
std::int64_t known_vocabulary(const StepProgram& program);

/// The visits of one slot, in program order.
std::span<const BlockCall> block_calls_of(const StageProgram& stage, const Slot& slot,
                                          std::int64_t micro_batches);

/// How often each block runs on one rank of the stage, by BlockId. Sums of a step are Σ count × block.
std::vector<std::int64_t> count_block_calls(const StepProgram& program, StageId stage);

}  // namespace foreshard
