#pragma once

#include <optional>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Bytes alive in addition to the step tensors, in the two categories that change during a step.
struct LiveBytes {
  Bytes activations;  ///< micro-batch tensors of role activation or input
  Bytes buffers;      ///< everything else

  [[nodiscard]] constexpr Bytes total() const { return activations + buffers; }
  constexpr LiveBytes& operator+=(const LiveBytes& other) {
    activations += other.activations;
    buffers += other.buffers;
    return *this;
  }
  constexpr LiveBytes& operator-=(const LiveBytes& other) {
    activations -= other.activations;
    buffers -= other.buffers;
    return *this;
  }
  friend constexpr LiveBytes operator+(LiveBytes a, const LiveBytes& b) { return a += b; }
  friend constexpr bool operator==(const LiveBytes&, const LiveBytes&) = default;
};

/// The memory of one pass of a trace. Includes what earlier passes of the trace left alive, but no step
/// tensors.
struct PassMemory {
  LiveBytes peak;                     ///< at the operation where the total is largest, the first if several
  std::optional<BlockId> peak_block;  ///< block of that operation; none if the pass has no operation
  LiveBytes end;                      ///< after the last operation
};

/// What one operation allocates before it runs and frees after it.
struct OpMemory {
  LiveBytes allocated;
  LiveBytes freed;
};

/// How memory use changes over block calls that run one after the other. At the start only step tensors are
/// alive.
struct MemoryTrace {
  std::vector<PassMemory> passes;        ///< by index of the list of block calls
  std::vector<BlockMemory> block_calls;  ///< of all lists, in order
  std::vector<Bytes>
      block_call_peaks;  ///< of the same calls: most bytes alive at any operation, earlier calls' included
  std::vector<OpMemory> ops;  ///< of all operations of these calls, in order
};

/// Runs one micro-batch through `passes` (its passes through a chunk, or a prologue alone) and follows every
/// tensor from its first to its last use. Takes time linear in the number of operands.
///   Micro-batch tensors live from the first to the last use in all passes.
///   Layer tensors live from the block call that writes them to the last use before another block call writes
///   them again, within one pass. If the operation that writes them runs n blocks ahead, n + 1 copies count.
///   Block tensors live from the first to the last use in one block call.
///   What is fetched n blocks ahead takes memory from n block calls earlier on, in the same pass. What a copy to the
///   host reads last is freed after the next such copy, for which compute waits (wait_rule.hpp), or with the pass.
/// While an operation runs, its outputs and its inputs are alive; inputs that are not used again are freed
/// after it.
/// Example: op 1 writes a (4 bytes); op 2 reads a for the last time and writes b (2 bytes); op 3 reads b.
/// Alive at the three operations: 4, 6, 2 bytes. The peak is 6.
MemoryTrace trace_memory(const StepProgram& program, const TensorTable& tensors, BlockCallLists passes);

}  // namespace foreshard
