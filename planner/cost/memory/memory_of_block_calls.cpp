#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "planner/cost/memory/handed_over.hpp"
#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/memory/memory_trace.hpp"
#include "planner/cost/memory/step_tensors.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/cost/memory/turns_memory.hpp"

namespace foreshard {
namespace {

// One pass of a micro-batch through a chunk: the peaks of its block calls, what its operations allocate and free, and
// the bytes that it leaves alive for later passes.
struct PassPeaks {
  std::vector<Bytes> block_calls;
  std::vector<OpMemory> ops;
  LiveBytes left;
};
constexpr std::array kPasses{Pass::forward, Pass::backward, Pass::weight};
using ChunkPeaks = std::array<PassPeaks, kPasses.size()>;

ChunkPeaks trace_chunk(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage,
                       ChunkId chunk, MicroBatch micro_batch) {
  std::array<std::span<const BlockCall>, kPasses.size()> passes;
  for (std::size_t i = 0; i < kPasses.size(); ++i) {
    passes[i] = block_calls_of(stage, {kPasses[i], chunk, micro_batch}, program.micro_batches);
  }
  const MemoryTrace trace = trace_memory(program, tensors, passes);
  ChunkPeaks peaks;
  auto begin = trace.block_call_peaks.begin();
  auto op = trace.ops.begin();
  for (std::size_t i = 0; i < kPasses.size(); ++i) {
    const auto end = begin + static_cast<std::ptrdiff_t>(passes[i].size());
    const auto op_end = op + static_cast<std::ptrdiff_t>(operations_in(program, passes[i]));
    peaks[i] = {.block_calls = {begin, end}, .ops = {op, op_end}, .left = trace.passes[i].end};
    begin = end;
    op = op_end;
  }
  return peaks;
}

}  // namespace

std::vector<Bytes> memory_of_block_calls(const StepProgram& program, StageId stage_id) {
  const StageProgram& stage = program.stages[stage_id.at()];
  const TensorTable tensors(program);
  StageMemory step;
  add_step_tensors(program, tensors, stage, step);
  const Bytes always = step.weights + step.gradients + step.optimizer + step.buffers;

  std::vector<Bytes> memory;
  const auto append = [&](Bytes base, const std::vector<Bytes>& peaks) {
    for (const Bytes peak : peaks) memory.push_back(base + peak);
  };
  const auto append_alone = [&](Bytes base, std::span<const BlockCall> block_calls) {
    append(base, trace_memory(program, tensors, std::array{block_calls}).block_call_peaks);
  };

  // The first and the last micro-batch may call other blocks than those between them.
  const MicroBatch last(static_cast<std::int32_t>(program.micro_batches - 1));
  const MicroBatch between(std::min(last.value(), 1));
  std::vector<ChunkPeaks> first_chunks;
  std::vector<ChunkPeaks> ordinary_chunks;
  std::vector<ChunkPeaks> last_chunks;
  for (std::size_t c = 0; c < stage.chunks.size(); ++c) {
    first_chunks.push_back(trace_chunk(program, tensors, stage, ChunkId(c), MicroBatch(0)));
    ordinary_chunks.push_back(trace_chunk(program, tensors, stage, ChunkId(c), between));
    last_chunks.push_back(trace_chunk(program, tensors, stage, ChunkId(c), last));
  }
  const auto chunks_of = [&](MicroBatch micro_batch) -> const std::vector<ChunkPeaks>& {
    if (micro_batch == last) return last_chunks;
    return micro_batch.value() == 0 ? first_chunks : ordinary_chunks;
  };
  const HandedOver handed_over(program, tensors, stage);
  append_alone(always, stage.prologue);
  Bytes base = always;  // plus what the pairs in flight other than the running one have saved
  const auto chunk_of = [&](const Slot& slot) -> const ChunkPeaks& {
    return chunks_of(slot.micro_batch)[slot.chunk.at()];
  };
  for (std::size_t s = 0; s < stage.order.size(); ++s) {
    const Slot& slot = stage.order[s];
    const ChunkPeaks& chunk = chunk_of(slot);
    if (s + 1 < stage.order.size() && stage.order[s + 1].in_turns) {
      const Slot& other = stage.order[++s];
      const ChunkPeaks& backward = chunk_of(other);
      base -= backward[0].left.total();
      const TracedPass first{block_calls_of(stage, slot, program.micro_batches), chunk[0].ops};
      const TracedPass second{block_calls_of(stage, other, program.micro_batches), backward[1].ops};
      append(base, trace_turns(program, first, second, backward[0].left).block_call_peaks);
      base += chunk[0].left.total() + backward[1].left.total();
      continue;
    }
    const auto pass =
        static_cast<std::size_t>(std::find(kPasses.begin(), kPasses.end(), slot.pass) - kPasses.begin());
    if (pass > 0) base -= chunk[pass - 1].left.total();
    base -= handed_over.before(slot).total();
    append(base, chunk[pass].block_calls);
    base += chunk[pass].left.total() + handed_over.after(slot).total();
  }
  append_alone(base, stage.epilogue);
  return memory;
}

}  // namespace foreshard
