#include "planner/report/memory_advice.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <utility>

#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

/// The worst device's memory, and the choices that divide it, while remedies are applied one by one.
struct State {
  StageMemory memory;
  JobSpec job;

  [[nodiscard]] std::int64_t replicas() const { return job.parallelism.dp * job.parallelism.cp; }
  [[nodiscard]] Bytes used() const {
    return memory.weights + memory.gradients + memory.optimizer + memory.activations + memory.buffers;
  }
};

void divide(Bytes& bytes, std::int64_t divisor) { bytes = Bytes(ceil_divide(bytes.value(), divisor)); }

/// A remedy turns a state into the state after it, and says what to change; nothing where it does not apply.
struct Change {
  State after;
  std::string key;
  std::string value;
  std::string because;
};
using Remedy = std::optional<Change> (*)(const State&);

std::optional<Change> zero_1(const State& before) {
  if (before.job.parallelism.zero != 0 || before.replicas() < 2) return std::nullopt;
  State after = before;
  after.job.parallelism.zero = 1;
  divide(after.memory.optimizer, before.replicas());
  return Change{after, "parallelism.zero", "1",
                "spreads the optimizer state over " + counted(before.replicas(), "replica")};
}

std::optional<Change> sequence_parallel(const State& before) {
  if (before.job.parallelism.sequence_parallel || before.job.parallelism.tp < 2) return std::nullopt;
  State after = before;
  after.job.parallelism.sequence_parallel = true;
  // Without it every tp rank keeps whole norm inputs and residuals: 10 of the 34 bytes per token and hidden
  // element of a layer (Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.2), the other 24 divided by
  // tp.
  const std::int64_t tp = before.job.parallelism.tp;
  after.memory.activations = Bytes(before.memory.activations.value() / (10 * tp + 24) * 34);
  return Change{after, "parallelism.sequence_parallel", "true", "splits what the norms keep over tp"};
}

std::optional<Change> smaller_micro_batch(const State& before) {
  const std::int64_t size = before.job.training.micro_batch;
  if (size < 2 || size % 2 != 0) return std::nullopt;
  State after = before;
  after.job.training.micro_batch = size / 2;
  divide(after.memory.activations, 2);
  divide(after.memory.buffers, 2);
  return Change{after, "training.micro_batch", std::to_string(size / 2), "makes the activations smaller"};
}

/// Twice the pipeline stages or tensor-parallel ranks on the same devices: half the replicas, so a state that
/// ZeRO divides by the replicas stays as large as it was.
State with_half_the_replicas(const State& before) {
  State after = before;
  const int zero = before.job.parallelism.zero;
  after.job.parallelism.dp /= 2;
  if (zero < 1) divide(after.memory.optimizer, 2);
  if (zero < 2) divide(after.memory.gradients, 2);
  if (zero < 3) divide(after.memory.weights, 2);
  return after;
}

std::optional<Change> more_stages(const State& before) {
  const ParallelismSpec& parallelism = before.job.parallelism;
  const std::int64_t stages = 2 * parallelism.pp;
  if (parallelism.dp % 2 != 0 || stages * parallelism.vp > before.job.model.layers) return std::nullopt;
  if (parallelism.stage_policy == StagePolicy::listed) return std::nullopt;
  State after = with_half_the_replicas(before);
  after.job.parallelism.pp = stages;
  // Activations stay: the first stage keeps twice as many micro-batches of half as many layers.
  return Change{after, "parallelism.pp", std::to_string(stages), "leaves fewer layers to a stage"};
}

std::optional<Change> more_tensor_parallelism(const State& before) {
  const ParallelismSpec& parallelism = before.job.parallelism;
  const std::int64_t tp = 2 * parallelism.tp;
  if (parallelism.dp % 2 != 0 || before.job.cluster.devices_per_node % tp != 0) return std::nullopt;
  const ModelSpec& model = before.job.model;
  if (model.heads % tp != 0 || model.kv_heads % tp != 0 || model.ffn_hidden % tp != 0) return std::nullopt;
  State after = with_half_the_replicas(before);
  after.job.parallelism.tp = tp;
  if (parallelism.sequence_parallel || parallelism.tp == 1) divide(after.memory.activations, 2);
  return Change{after, "parallelism.tp", std::to_string(tp), "leaves a smaller share of every layer"};
}

std::optional<Change> recompute_full(const State& before) {
  if (before.job.training.recompute == Recompute::full) return std::nullopt;
  State after = before;
  after.job.training.recompute = Recompute::full;
  // Kept: 2 bytes per token and hidden element of a layer, its input, of 34 (the paper above, table 2).
  divide(after.memory.activations, 34 / 2);
  return Change{after, "training.recompute", "full",
                "keeps only the layers' inputs and pays for it with another forward pass"};
}

std::optional<Change> zero_3(const State& before) {
  const ParallelismSpec& parallelism = before.job.parallelism;
  if (parallelism.zero == 3 || parallelism.pp > 1 || before.replicas() < 2) return std::nullopt;
  State after = before;
  after.job.parallelism.zero = 3;
  if (parallelism.zero < 1) divide(after.memory.optimizer, before.replicas());
  if (parallelism.zero < 2) divide(after.memory.gradients, before.replicas());
  divide(after.memory.weights, before.replicas());
  return Change{
      after, "parallelism.zero", "3",
      "spreads weights, gradients and optimizer state over " + counted(before.replicas(), "replica")};
}

constexpr std::array<Remedy, 7> kCheapestFirst = {zero_1,      sequence_parallel,       smaller_micro_batch,
                                                  more_stages, more_tensor_parallelism, recompute_full,
                                                  zero_3};

/// The remedy, again and again (pp 2, 4, 8) until it frees `missing` or applies no more.
std::optional<Change> apply(Remedy remedy, const State& before, Bytes missing) {
  std::optional<Change> change = remedy(before);
  while (change && before.used() - change->after.used() < missing) {
    std::optional<Change> further = remedy(change->after);
    if (!further) break;
    change = std::move(further);
  }
  return change;
}

MemoryRemedy remedy_of(const State& before, const Change& change) {
  return {change.key, change.value, before.used() - change.after.used(), change.because};
}

}  // namespace

MemoryAdvice advise_memory(const PlannedJob& planned) {
  const MemoryReport& memory = planned.estimate.memory;
  if (memory.worst_stage >= memory.stages.size()) return {};
  const State start{memory.stages[memory.worst_stage], planned.job};
  const Bytes missing = memory.reserved + memory.context - memory.capacity;

  for (const Remedy remedy : kCheapestFirst) {
    const auto change = apply(remedy, start, missing);
    if (change && start.used() - change->after.used() >= missing)
      return {{remedy_of(start, *change)}, Bytes(0)};
  }
  MemoryAdvice advice;
  State state = start;
  for (const Remedy remedy : kCheapestFirst) {
    const Bytes freed = start.used() - state.used();
    if (freed >= missing) break;
    const auto change = apply(remedy, state, missing - freed);
    if (!change || change->after.used() >= state.used()) continue;
    MemoryRemedy next = remedy_of(state, *change);
    // One key can be set once: ZeRO 3 takes the place of ZeRO 1 and of what that saved.
    std::erase_if(advice.remedies, [&](const MemoryRemedy& other) {
      if (other.key == next.key) next.saved += other.saved;
      return other.key == next.key;
    });
    advice.remedies.push_back(std::move(next));
    state = change->after;
  }
  advice.still_missing = std::max(Bytes(0), missing - (start.used() - state.used()));
  return advice;
}

}  // namespace foreshard::report
