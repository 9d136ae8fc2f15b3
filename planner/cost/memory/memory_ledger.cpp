#include "planner/cost/memory/memory_ledger.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "planner/cost/memory/graph_memory.hpp"
#include "planner/cost/memory/handed_over.hpp"
#include "planner/cost/memory/library_memory.hpp"
#include "planner/cost/memory/memory_trace.hpp"
#include "planner/cost/memory/step_tensors.hpp"
#include "planner/cost/memory/tensor_table.hpp"
#include "planner/cost/memory/turns_memory.hpp"
#include "planner/frameworks/framework.hpp"

namespace foreshard {
namespace {

// The passes of one micro-batch through a chunk. What is alive after `forward` is saved for backward; what is
// alive after `backward` is saved for the weight pass.
struct ChunkMemory {
  PassMemory forward;
  PassMemory backward;
  PassMemory weight;  // empty if the schedule does not split backward
  // What the operations of forward and backward allocate and free; empty without passes in turns.
  std::vector<OpMemory> forward_ops;
  std::vector<OpMemory> backward_ops;
};

// The forward pass of the first micro-batch, and the backward and weight passes of the last one, may call
// other blocks than those of the micro-batches between them.
struct ChunkVariants {
  ChunkMemory first;
  ChunkMemory ordinary;
  ChunkMemory last;

  [[nodiscard]] const ChunkMemory& of(MicroBatch micro_batch, std::int64_t micro_batches) const {
    if (micro_batch.value() == micro_batches - 1) return last;
    return micro_batch.value() == 0 ? first : ordinary;
  }
};

std::vector<ChunkVariants> trace_chunks(const StepProgram& program, const TensorTable& tensors,
                                        const StageProgram& stage) {
  const bool has_turns =
      std::any_of(stage.order.begin(), stage.order.end(), [](const Slot& slot) { return slot.in_turns; });
  std::vector<ChunkVariants> variants;
  for (std::size_t index = 0; index < stage.chunks.size(); ++index) {
    const auto trace = [&](MicroBatch micro_batch) {
      const auto block_calls = [&](Pass pass) {
        return block_calls_of(stage, {pass, ChunkId(index), micro_batch}, program.micro_batches);
      };
      const std::array passes{block_calls(Pass::forward), block_calls(Pass::backward),
                              block_calls(Pass::weight)};
      const MemoryTrace traced = trace_memory(program, tensors, passes);
      ChunkMemory chunk{.forward = traced.passes[0],
                        .backward = traced.passes[1],
                        .weight = traced.passes[2],
                        .forward_ops = {},
                        .backward_ops = {}};
      if (!has_turns) return chunk;
      const auto middle = traced.ops.begin() + static_cast<std::ptrdiff_t>(operations_in(program, passes[0]));
      chunk.forward_ops.assign(traced.ops.begin(), middle);
      chunk.backward_ops.assign(middle,
                                middle + static_cast<std::ptrdiff_t>(operations_in(program, passes[1])));
      return chunk;
    };
    const ChunkMemory first = trace(MicroBatch(0));
    const Chunk& chunk = stage.chunks[index];
    const bool first_differs = !chunk.first_forward.empty() && program.micro_batches > 1;
    const bool last_differs = !chunk.last_backward.empty() || !chunk.last_weight.empty();
    const ChunkMemory ordinary = first_differs ? trace(MicroBatch(1)) : first;
    const MicroBatch last(static_cast<std::int32_t>(program.micro_batches - 1));
    variants.push_back({.first = first, .ordinary = ordinary, .last = last_differs ? trace(last) : ordinary});
  }
  return variants;
}

// The largest memory use found so far; the first if several are equal.
struct Peak {
  LiveBytes bytes;
  std::int64_t in_flight = 0;
  std::optional<BlockId> block;

  // Considers a pass that runs while `base` is alive from other passes.
  void offer(const LiveBytes& base, const PassMemory& pass, std::int64_t pairs) {
    if (!pass.peak_block) return;
    const LiveBytes now = base + pass.peak;
    if (block && now.total() <= bytes.total()) return;
    *this = {.bytes = now, .in_flight = pairs, .block = pass.peak_block};
  }
};

Peak find_peak(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage) {
  const auto trace_alone = [&](std::span<const BlockCall> block_calls) {
    return trace_memory(program, tensors, std::array{block_calls}).passes[0];
  };
  const std::vector<ChunkVariants> chunks = trace_chunks(program, tensors, stage);
  const HandedOver handed_over(program, tensors, stage);

  std::map<std::pair<const ChunkMemory*, const ChunkMemory*>, PassMemory> pairs;  // issued in turns
  Peak peak;
  LiveBytes saved;             // by the (chunk, micro-batch) pairs in flight, without the running one
  std::int64_t in_flight = 0;  // number of these pairs, with the running one
  peak.offer(saved, trace_alone(stage.prologue), in_flight);
  const auto chunk_of = [&](const Slot& slot) -> const ChunkMemory& {
    const ChunkVariants& variants = chunks[slot.chunk.at()];
    return variants.of(slot.micro_batch, program.micro_batches);
  };
  for (std::size_t s = 0; s < stage.order.size(); ++s) {
    const Slot& slot = stage.order[s];
    const ChunkMemory& chunk = chunk_of(slot);
    if (s + 1 < stage.order.size() && stage.order[s + 1].in_turns) {
      const Slot& other = stage.order[++s];
      const ChunkMemory& backward = chunk_of(other);
      const auto [pair, is_new] = pairs.try_emplace({&chunk, &backward});
      if (is_new) {
        const auto calls = [&](const Slot& pass) {
          return block_calls_of(stage, pass, program.micro_batches);
        };
        pair->second = trace_turns(program, {calls(slot), chunk.forward_ops},
                                   {calls(other), backward.backward_ops}, backward.forward.end)
                           .both;
      }
      saved -= backward.forward.end;
      peak.offer(saved, pair->second, in_flight + 1);
      saved += pair->second.end;
      continue;
    }
    // The trace of a pass already includes what the previous pass of the same pair saved, so that is
    // subtracted first.
    saved -= handed_over.before(slot);
    switch (slot.pass) {
      case Pass::forward:
        ++in_flight;
        peak.offer(saved, chunk.forward, in_flight);
        saved += chunk.forward.end;
        break;
      case Pass::backward:
        saved -= chunk.forward.end;
        peak.offer(saved, chunk.backward, in_flight);
        saved += chunk.backward.end;
        if (stage.chunks[slot.chunk.at()].weight.empty()) --in_flight;
        break;
      case Pass::weight:
        saved -= chunk.backward.end;
        peak.offer(saved, chunk.weight, in_flight);
        --in_flight;
        break;
      case Pass::once: break;  // check_program rejects these in an order
    }
    saved += handed_over.after(slot);
  }
  peak.offer(saved, trace_alone(stage.epilogue), in_flight);
  return peak;
}

StageMemory stage_memory(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage) {
  StageMemory memory;
  add_step_tensors(program, tensors, stage, memory);
  const Peak peak = find_peak(program, tensors, stage);
  memory.activations = peak.bytes.activations;
  memory.buffers += peak.bytes.buffers;
  memory.peak = memory.weights + memory.gradients + memory.optimizer + memory.activations + memory.buffers;
  memory.in_flight = peak.in_flight;
  if (peak.block) memory.peak_block = program.block(*peak.block).name;
  return memory;
}

/// What the devices of each node together keep in their host's memory at their peaks, on the node with most of it.
/// Ranks of a stage are consecutive.
HostMemory host_memory(const JobSpec& job, const StepProgram& program) {
  const TensorTable tensors(program, true);
  std::vector<Bytes> by_stage;
  for (const StageProgram& stage : program.stages)
    by_stage.push_back(stage_memory(program, tensors, stage).peak);
  const std::int64_t per_node = job.cluster.devices_per_node;
  const std::int64_t per_stage = job.cluster.devices() / job.parallelism.pp;
  HostMemory host{.needed = {}, .capacity = job.cluster.host ? job.cluster.host->memory : Bytes()};
  for (std::int64_t first = 0; first < job.cluster.devices(); first += per_node) {
    Bytes node;
    for (std::int64_t device = first; device < first + per_node; ++device)
      node += by_stage[static_cast<std::size_t>(device / per_stage)];
    host.needed = std::max(host.needed, node);
  }
  return host;
}

}  // namespace

MemoryReport memory_report(const JobSpec& job, const StepProgram& program) {
  const FrameworkConventions conventions = job.conventions();
  const AcceleratorSpec& accelerator = job.cluster.accelerator;

  MemoryReport report;
  const TensorTable tensors(program);
  for (const StageProgram& stage : program.stages) {
    report.stages.push_back(stage_memory(program, tensors, stage));
    if (report.stages.back().peak > report.peak) {
      report.peak = report.stages.back().peak;
      report.worst_stage = report.stages.size() - 1;
    }
  }
  report.capacity = accelerator.memory_capacity;
  // Driver and communicators take device memory only if the device is separate from the host.
  report.context = accelerator.is_cpu ? Bytes(0) : conventions.context + dispatcher_buffers(job);
  const GraphMemory graphs = graph_memory(job, program);
  report.graphs = graphs.inputs;
  // Rounded to the nearest byte.
  report.reserved =
      report.peak + report.graphs + Bytes(std::llround(report.peak.as_double() * usual_fragmentation(job)));
  report.fits = report.reserved + report.context <= report.capacity;
  const MemoryBand band = memory_band(job, report.peak);
  report.allocated = report.peak + report.graphs + band.workspace;
  report.reserved_low = band.reserved_low + graphs.inputs;
  report.reserved_high = band.reserved_high + graphs.inputs + graphs.pool_high;
  report.needed_low = report.reserved_low + band.context_low;
  report.needed_high = report.reserved_high + band.context_high;
  report.verdict = memory_verdict(report.reserved + report.context, report.needed_low, report.needed_high,
                                  report.capacity);
  if (!job.training.uses_host()) return report;
  report.host = host_memory(job, program);
  if (report.host->fits()) return report;
  report.fits = false;
  report.verdict = MemoryVerdict::does_not_fit;
  return report;
}

}  // namespace foreshard
