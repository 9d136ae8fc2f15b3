#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// What lives on one device of one stage at the moment of its peak.
struct StageMemory {
  Bytes weights;
  Bytes gradients;
  Bytes optimizer;             ///< moments and fp32 master weights
  Bytes activations;           ///< saved for backward, all micro-batches in flight
  Bytes buffers;               ///< the running block's temporaries, gathered weights, communication buffers
  Bytes peak;                  ///< the sum
  std::int64_t in_flight = 0;  ///< (chunk, micro-batch) pairs between first and last pass at the peak
  std::string peak_block;      ///< where the peak falls: "head backward"
};

/// Memory of the worst device, and of every stage.
struct MemoryReport {
  Bytes capacity;  ///< what the device lets a process allocate
  Bytes context;   ///< taken by driver and communicators before the first tensor
  Bytes peak;      ///< allocated, worst stage
  Bytes reserved;  ///< with the allocator's fragmentation; what must fit beside the context
  bool fits = false;
  std::size_t worst_stage = 0;
  std::vector<StageMemory> stages;
};

/// What one block does to memory, derived from the first and last uses of its tensors.
struct BlockMemory {
  Bytes saved;     ///< micro-batch tensors first written here and still alive when the block ends
  Bytes released;  ///< micro-batch tensors whose last use is here and which were alive when it began
  Bytes peak;      ///< most bytes above those alive when the block began, at any of its operations
};

/// First and last uses of every micro-batch tensor over one micro-batch's way through a stage's chunk; by
/// BlockId. Source of the rule: a tensor is allocated at its first write and freed after its last use.
std::vector<BlockMemory> block_memory(const StepProgram& program);

/// Bytes alive on one device at the fullest moment of every run of a block in a stage's step, in program
/// order (prologue, slots, epilogue): the ledger as a sequence. Their largest is the stage's peak.
std::vector<Bytes> memory_of_block_calls(const StepProgram& program, StageId stage);

/// The one memory ledger: step tensors, plus what the stage's order keeps in flight, block by block.
MemoryReport memory_report(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
