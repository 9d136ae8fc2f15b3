#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/cost/memory/memory_band.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The memory of one device of one stage at the moment of its peak, by category.
struct StageMemory {
  Bytes weights;
  Bytes gradients;
  Bytes optimizer;             ///< moments and fp32 master weights
  Bytes activations;           ///< saved for backward, all micro-batches in flight
  Bytes buffers;               ///< the running block's temporaries, gathered weights, communication buffers
  Bytes peak;                  ///< the sum
  std::int64_t in_flight = 0;  ///< (chunk, micro-batch) pairs between first and last pass at the peak
  std::string peak_block;      ///< name of the block that runs at the peak: "head backward"
};

/// Memory of the node whose host holds most (training.offload).
struct HostMemory {
  Bytes needed;    ///< by all devices of the node
  Bytes capacity;  ///< of the node
  [[nodiscard]] bool fits() const { return needed <= capacity; }
};

/// Memory of the worst device, and of every stage.
struct MemoryReport {
  Bytes capacity;  ///< what a process can allocate on the device
  Bytes
      context;  ///< used by driver, communicators and dispatchers' buffers, outside the framework's allocator
  Bytes peak;   ///< most bytes allocated for tensors, on the worst stage
  Bytes graphs;  ///< inputs of CUDA graphs, beside the peak (graph_memory.hpp)
  Bytes
      reserved;  ///< peak, graphs and the allocator's fragmentation; reserved + context must fit into capacity
  bool fits = false;                 ///< into the device, and, where something is offloaded, into the host
  std::optional<HostMemory> host{};  ///< none: nothing is offloaded
  Bytes allocated;     ///< peak, graphs, and the libraries' workspace from the framework's allocator
  Bytes reserved_low;  ///< the band of reserved (MemoryBand)
  Bytes reserved_high;
  Bytes needed_low;  ///< the band of reserved + context
  Bytes needed_high;
  MemoryVerdict verdict = MemoryVerdict::fits;
  std::size_t worst_stage = 0;
  std::vector<StageMemory> stages;
};

/// How one block changes memory use, derived from the first and last uses of its tensors.
struct BlockMemory {
  Bytes saved;     ///< micro-batch tensors first written here and still alive when the block ends
  Bytes released;  ///< micro-batch tensors alive when the block began whose last use is in it
  Bytes peak;      ///< largest increase over the bytes alive when the block began, at any of its operations
};

/// Memory of every block, by BlockId. Follows every micro-batch tensor from its first to its last use in the
/// passes of one micro-batch through a stage's chunk. Rule: a tensor is allocated at its first write and
/// freed after its last use.
std::vector<BlockMemory> block_memory(const StepProgram& program);

/// The memory ledger of a stage over time: for every block call of its step, in program order (prologue,
/// slots, epilogue), the most bytes alive on one device during the call. The largest of these is the stage's
/// peak.
std::vector<Bytes> memory_of_block_calls(const StepProgram& program, StageId stage);

/// The memory of every stage: step tensors, plus the tensors of the micro-batches that the stage's order
/// keeps in flight, block by block.
MemoryReport memory_report(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
