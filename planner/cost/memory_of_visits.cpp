#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "planner/cost/memory_ledger.hpp"
#include "planner/cost/memory_trace.hpp"
#include "planner/cost/step_tensors.hpp"
#include "planner/cost/tensor_table.hpp"

namespace foreshard {
namespace {

// One micro-batch's way through a chunk: the peaks of its visits, and what forward leaves for backward.
struct ChunkPeaks {
  std::vector<Bytes> forward;
  std::vector<Bytes> backward;
  Bytes saved;
};

ChunkPeaks trace_chunk(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage,
                       const Slot& slot) {
  Slot forward = slot;
  forward.pass = Pass::forward;
  Slot backward = slot;
  backward.pass = Pass::backward;
  const std::array passes{visits_of(stage, forward, program.micro_batches),
                          visits_of(stage, backward, program.micro_batches)};
  const MemoryTrace trace = trace_memory(program, tensors, passes);
  const auto middle = trace.visit_peaks.begin() + static_cast<std::ptrdiff_t>(passes[0].size());
  return {.forward = {trace.visit_peaks.begin(), middle},
          .backward = {middle, trace.visit_peaks.end()},
          .saved = trace.passes[0].end.total()};
}

}  // namespace

std::vector<Bytes> memory_of_visits(const StepProgram& program, StageId stage_id) {
  const StageProgram& stage = program.stages[stage_id.at()];
  const TensorTable tensors(program);
  StageMemory step;
  add_step_tensors(program, tensors, stage, step);
  const Bytes always = step.weights + step.gradients + step.optimizer + step.buffers;

  std::vector<Bytes> memory;
  const auto append = [&](Bytes base, const std::vector<Bytes>& peaks) {
    for (const Bytes peak : peaks) memory.push_back(base + peak);
  };
  const auto append_alone = [&](Bytes base, std::span<const Visit> visits) {
    append(base, trace_memory(program, tensors, std::array{visits}).visit_peaks);
  };

  const MicroBatch last(static_cast<std::int32_t>(program.micro_batches - 1));
  std::vector<ChunkPeaks> ordinary_chunks;
  std::vector<ChunkPeaks> last_chunks;  // the last micro-batch may run other backward visits
  for (std::size_t c = 0; c < stage.chunks.size(); ++c) {
    ordinary_chunks.push_back(
        trace_chunk(program, tensors, stage, {Pass::forward, ChunkId(c), MicroBatch(0)}));
    last_chunks.push_back(trace_chunk(program, tensors, stage, {Pass::forward, ChunkId(c), last}));
  }
  append_alone(always, stage.prologue);
  Bytes base = always;  // with what the pairs in flight, but for the running one, have saved
  for (const Slot& slot : stage.order) {
    const ChunkPeaks& chunk = (slot.micro_batch == last ? last_chunks : ordinary_chunks)[slot.chunk.at()];
    if (slot.pass == Pass::forward) {
      append(base, chunk.forward);
      base += chunk.saved;
    } else {
      base -= chunk.saved;
      append(base, chunk.backward);
    }
  }
  append_alone(base, stage.epilogue);
  return memory;
}

}  // namespace foreshard
