#include "planner/cost/memory/graph_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

bool is_captured(const StepProgram& program, const BlockCall& call) {
  switch (program.block(call.block).kind) {
    case BlockKind::dense_layer:
    case BlockKind::moe_layer:
    case BlockKind::mixer_layer: return true;
    default: return false;
  }
}

/// The most layers of one stage that wait for backward, those of every micro-batch counted.
std::int64_t layers_in_flight(const StepProgram& program, const StageProgram& stage) {
  std::vector<std::int64_t> layers;
  for (const Chunk& chunk : stage.chunks)
    layers.push_back(std::count_if(chunk.forward.begin(), chunk.forward.end(),
                                   [&](const BlockCall& call) { return is_captured(program, call); }));
  std::int64_t now = 0;
  std::int64_t most = 0;
  for (const Slot& slot : stage.order) {
    const bool ends = slot.pass == Pass::weight ||
                      (slot.pass == Pass::backward && stage.chunks[slot.chunk.at()].weight.empty());
    if (slot.pass == Pass::forward) most = std::max(most, now += layers[slot.chunk.at()]);
    if (ends) now -= layers[slot.chunk.at()];
  }
  return most;
}

Bytes layer_input(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t ranks = checked_product(p.cp, p.sequence_parallel ? p.tp : 1);
  const std::int64_t tokens =
      ceil_divide(checked_product(job.training.micro_batch, job.training.sequence_length), ranks);
  const std::int64_t width = job.training.precision == Precision::fp32 ? 4 : 2;
  return Bytes(checked_product(tokens, job.model.hidden, width));
}

}  // namespace

GraphMemory graph_memory(const JobSpec& job, const StepProgram& program) {
  GraphMemory memory;
  if (job.training.graphs != Graphs::layer || job.cluster.accelerator.is_cpu) return memory;
  for (const StageProgram& stage : program.stages)
    memory.inputs = std::max(memory.inputs, layer_input(job) * layers_in_flight(program, stage));
  const std::vector<BlockMemory> blocks = block_memory(program);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (is_captured(program, {.block = BlockId(i), .layer = {}}))
      memory.pool_high = std::max(memory.pool_high, blocks[i].peak - blocks[i].saved);
  }
  return memory;
}

}  // namespace foreshard
