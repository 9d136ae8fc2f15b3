#include "planner/cost/memory/turns_memory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "planner/program/dependencies/issued_ops.hpp"
#include "planner/program/schedule/runs.hpp"

namespace foreshard {

std::size_t operations_in(const StepProgram& program, std::span<const BlockCall> calls) {
  std::size_t count = 0;
  for (const BlockCall& call : calls) count += program.block(call.block).ops.size();
  return count;
}

TurnsMemory trace_turns(const StepProgram& program, const TracedPass& forward, const TracedPass& backward,
                        const LiveBytes& found) {
  const std::array<TracedPass, 2> passes{forward, backward};
  std::array<std::size_t, 2> next{};
  std::vector<Run> runs;
  std::vector<const OpMemory*> first;  // by run: of its first operation
  for (const PairedCall& call : paired_calls(program, forward.calls, backward.calls)) {
    const BlockCall& block_call = passes[call.pass].calls[call.index];
    runs.push_back({.block_call = block_call,
                    .chunk = {},
                    .micro_batch = {},
                    .in_slot = true,
                    .in_turns = call.in_turns});
    first.push_back(passes[call.pass].ops.data() + next[call.pass]);
    next[call.pass] += program.block(block_call.block).ops.size();
  }
  TurnsMemory memory;
  memory.block_call_peaks.resize(runs.size());
  LiveBytes live = found;
  for (const IssuedOp& issued : issued_ops(program, runs)) {
    const OpMemory& change = first[issued.run][issued.op];
    live += change.allocated;
    Bytes& peak = memory.block_call_peaks[issued.run];
    peak = std::max(peak, live.total());
    if (!memory.both.peak_block || live.total() > memory.both.peak.total()) {
      memory.both.peak = live;
      memory.both.peak_block = runs[issued.run].block_call.block;
    }
    live -= change.freed;
  }
  memory.both.end = live;
  return memory;
}

}  // namespace foreshard
