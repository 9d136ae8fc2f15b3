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

/// One call of a block for one layer. Its micro-batch and chunk are those of the slot in which it runs.
struct BlockCall {
  BlockId block;
  LayerId layer;
  friend constexpr bool operator==(const BlockCall&, const BlockCall&) = default;
};

/// The blocks of one model chunk of one stage, in program order.
struct Chunk {
  std::vector<BlockCall> forward;
  /// The forward pass of the step's first micro-batch: `forward` with blocks that make the step's copies of
  /// weights in between. Empty: the same as `forward`.
  std::vector<BlockCall> first_forward{};
  std::vector<BlockCall> backward;
  /// The backward pass of the step's last micro-batch: `backward` with blocks of gradient synchronisation in
  /// between, which can overlap it. Empty: the same as `backward`.
  std::vector<BlockCall> last_backward;
  /// The weight pass, if the schedule runs weight gradients in their own pass; else empty.
  std::vector<BlockCall> weight{};
  /// The weight pass of the step's last micro-batch, with gradient synchronisation. Empty: as `weight`.
  std::vector<BlockCall> last_weight{};
};

/// What the ranks of one pipeline stage do in one step. All ranks of the stage do the same to their own
/// shards, so one stage program stands for all of them (a rank class).
struct StageProgram {
  std::vector<BlockCall> prologue;  ///< before the micro-batches
  std::vector<Chunk> chunks;        ///< by ChunkId
  std::vector<Slot> order;          ///< of the passes, as the schedule chose it
  std::vector<BlockCall> epilogue;  ///< after the micro-batches
};

/// What each rank does in one training step. The planner sums it, the simulator schedules it, the runtime
/// executes it.
struct StepProgram {
  static constexpr int kVersion = 1;  ///< of the JSON form

  std::string name;
  std::int64_t micro_batches = 1;
  std::int64_t sequences = 1;        ///< of one micro-batch
  std::int64_t sequence_length = 1;  ///< positions of a sequence, over all context-parallel ranks
  /// A stage begins the next step when it is through with its own part of this one. A step then takes as long as the
  /// slowest stage from its first forward pass (and what precedes the micro-batches) to its last operation.
  bool steps_overlap = false;
  std::vector<Group> groups;  ///< by GroupKind
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

/// Vocabulary size of the model: the rows of its token table without padding.
/// @throws std::logic_error where no tensor is a token table
std::int64_t known_vocabulary(const StepProgram& program);

/// The block calls of one slot, in program order.
std::span<const BlockCall> block_calls_of(const StageProgram& stage, const Slot& slot,
                                          std::int64_t micro_batches);

/// How often each block runs in one step on one rank of the stage, by BlockId. Sums over a step are
/// Σ count × block.
std::vector<std::int64_t> count_block_calls(const StepProgram& program, StageId stage);

}  // namespace foreshard
