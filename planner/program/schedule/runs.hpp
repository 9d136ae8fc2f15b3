#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// One run of a block in a stage's step, with what the slot adds to the visit.
struct Run {
  BlockCall block_call;
  ChunkId chunk;           ///< 0 in prologue and epilogue
  MicroBatch micro_batch;  ///< 0 in prologue and epilogue
  bool in_slot = false;    ///< false in prologue and epilogue, which have no micro-batch
};

/// All runs of a stage in program order: prologue, slots, epilogue.
/// @pre chunks of the order are in range
std::vector<Run> runs_of(const StepProgram& program, StageId stage);

/// What tells the instances of a tensor apart on one rank: by lifetime, the micro-batch or the run of the
/// block; and the layer, where each layer has its own.
struct Instance {
  TensorId tensor;
  std::int32_t layer = 0;  ///< 0 where all layers share one
  std::int64_t index = 0;  ///< the micro-batch (−1 outside the slots), or the run of a block-lived tensor
  friend constexpr bool operator==(const Instance&, const Instance&) = default;
};

struct InstanceHash {
  std::size_t operator()(const Instance& instance) const noexcept;
};

/// The instance that an operand touches in the `run_index`-th run of its stage.
Instance instance_of(const StepProgram& program, const Operand& operand, const Run& run,
                     std::size_t run_index);

}  // namespace foreshard
