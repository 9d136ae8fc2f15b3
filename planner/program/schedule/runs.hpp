#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// One run of a block in a stage's step: the block call, with the chunk and micro-batch of its slot.
struct Run {
  BlockCall block_call;
  ChunkId chunk;           ///< 0 in prologue and epilogue
  MicroBatch micro_batch;  ///< 0 in prologue and epilogue
  bool in_slot = false;    ///< false in prologue and epilogue, which have no micro-batch
  bool in_turns = false;  ///< its operations are issued in turns with those of the run before (wait_rule.hpp)
};

/// One call of two passes that are issued in turns.
struct PairedCall {
  std::size_t pass = 0;   ///< 0: of the first pass, 1: of the second
  std::size_t index = 0;  ///< among the calls of that pass
  bool in_turns = false;  ///< issued in turns with the call before
};
/// The calls of two passes layer by layer: before a pair of layers come all other blocks that stand before them.
std::vector<PairedCall> paired_calls(const StepProgram& program, std::span<const BlockCall> first,
                                     std::span<const BlockCall> second);

/// All runs of a stage in program order: prologue, slots, epilogue. The runs of a slot that is issued in turns with
/// the slot before stand layer by layer between those of that slot: the n-th layer of both makes a pair.
/// Example, two layers: forward runs E F0 F1, backward runs H B1 B0: E H (F0 B1) (F1 B0).
/// @pre chunks of the order are in range
std::vector<Run> runs_of(const StepProgram& program, StageId stage);

/// One instance of a tensor on one rank. Instances differ in the layer, if each layer has its own, and in an
/// index: the micro-batch or the run of the block, depending on the tensor's lifetime.
struct Instance {
  TensorId tensor;
  std::int32_t layer = 0;  ///< 0 if all layers share one instance
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
