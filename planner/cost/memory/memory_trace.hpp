#pragma once

#include <optional>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Bytes alive beside the step tensors, in the two categories that come and go.
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

/// One pass of a trace. What earlier passes of the trace left alive is included; step tensors are not.
struct PassMemory {
  LiveBytes peak;                     ///< at the operation where the total is largest, the first if several
  std::optional<BlockId> peak_block;  ///< where that is; none if the pass has no operation
  LiveBytes end;                      ///< after the last operation
};

/// How memory rises and falls while visits run one after the other, starting with nothing but step tensors.
struct MemoryTrace {
  std::vector<PassMemory> passes;        ///< by index of the visit list
  std::vector<BlockMemory> block_calls;  ///< of all lists, in order
  std::vector<Bytes>
      block_call_peaks;  ///< the same visits: most bytes alive at any operation, earlier visits' included
};

/// Runs one micro-batch through `passes` (its passes through a chunk, or a prologue alone) and
/// follows every tensor from its first to its last use; in time linear in the operands met.
///   micro-batch tensors live from the first to the last use in all passes;
///   layer tensors live from the visit that writes them to the last use before another visit writes them
///   anew, within one pass; n + 1 of them if the operation that writes them runs n blocks ahead;
///   block tensors live from the first to the last use in one visit.
/// At an operation, what it writes is alive before what it read last is freed.
MemoryTrace trace_memory(const StepProgram& program, const TensorTable& tensors, BlockCallLists passes);

}  // namespace foreshard
