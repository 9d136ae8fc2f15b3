#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "planner/cost/memory/memory_trace.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// How many operations block calls have.
std::size_t operations_in(const StepProgram& program, std::span<const BlockCall> calls);

/// One of two passes that are issued in turns, as its own chunk's trace has it.
struct TracedPass {
  std::span<const BlockCall> calls;
  std::span<const OpMemory> ops;  ///< of these calls
};

/// The memory of two passes that are issued in turns: a forward pass, and the backward pass of another micro-batch or
/// chunk. They share no tensor, so each keeps and frees what it would alone; the order of their operations decides what
/// both hold at a time.
struct TurnsMemory {
  PassMemory both;                      ///< with what the backward pass finds from its own forward pass
  std::vector<Bytes> block_call_peaks;  ///< in the order of paired_calls()
};

/// @param found  what is alive for the backward pass when both begin
/// Example: the forward pass allocates 2 and keeps 1 at each layer, the backward pass allocates 3 and frees the 1 that
/// it found. One layer each, found 1, no exchanges (backward first): 1 + 3 = 4, then 0 + 2 = 2. The peak is 4, the end 1.
TurnsMemory trace_turns(const StepProgram& program, const TracedPass& forward, const TracedPass& backward,
                        const LiveBytes& found);

}  // namespace foreshard
