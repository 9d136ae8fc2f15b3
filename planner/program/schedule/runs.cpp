#include "planner/program/schedule/runs.hpp"

#include <array>
#include <span>

namespace foreshard {
std::vector<PairedCall> paired_calls(const StepProgram& program, std::span<const BlockCall> first,
                                     std::span<const BlockCall> second) {
  const std::array<std::span<const BlockCall>, 2> calls{first, second};
  std::array<std::size_t, 2> next{};
  const auto is_left = [&](std::size_t pass) { return next[pass] < calls[pass].size(); };
  const auto is_at_layer = [&](std::size_t pass) {
    return is_left(pass) && is_layer(program.block(calls[pass][next[pass]].block).kind);
  };
  std::vector<PairedCall> order;
  while (is_left(0) || is_left(1)) {
    for (const std::size_t pass : {0U, 1U}) {
      while (is_left(pass) && !is_at_layer(pass)) order.push_back({pass, next[pass]++, false});
    }
    const bool in_turns = is_at_layer(0) && is_at_layer(1);
    if (is_at_layer(0)) order.push_back({0, next[0]++, false});
    if (is_at_layer(1)) order.push_back({1, next[1]++, in_turns});
  }
  return order;
}

std::vector<Run> runs_of(const StepProgram& program, StageId stage_id) {
  const StageProgram& stage = program.stages[stage_id.at()];
  std::vector<Run> runs;
  for (const BlockCall& block_call : stage.prologue)
    runs.push_back({block_call, ChunkId(), MicroBatch(), false});
  for (std::size_t s = 0; s < stage.order.size(); ++s) {
    const Slot& slot = stage.order[s];
    const std::span<const BlockCall> block_calls = block_calls_of(stage, slot, program.micro_batches);
    if (s + 1 < stage.order.size() && stage.order[s + 1].in_turns) {
      const Slot& other = stage.order[++s];
      const std::span<const BlockCall> others = block_calls_of(stage, other, program.micro_batches);
      for (const PairedCall& call : paired_calls(program, block_calls, others)) {
        const Slot& own = call.pass == 0 ? slot : other;
        runs.push_back({(call.pass == 0 ? block_calls : others)[call.index], own.chunk, own.micro_batch, true,
                        call.in_turns});
      }
      continue;
    }
    for (const BlockCall& block_call : block_calls)
      runs.push_back({block_call, slot.chunk, slot.micro_batch, true});
  }
  for (const BlockCall& block_call : stage.epilogue)
    runs.push_back({block_call, ChunkId(), MicroBatch(), false});
  return runs;
}

std::size_t InstanceHash::operator()(const Instance& instance) const noexcept {
  // Multiplicative hashing of the three numbers; the constant is 2^64 divided by the golden ratio.
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ULL;
  std::uint64_t hash = static_cast<std::uint64_t>(instance.tensor.value());
  hash = (hash * kGolden) ^ static_cast<std::uint64_t>(instance.layer);
  hash = (hash * kGolden) ^ static_cast<std::uint64_t>(instance.index);
  return static_cast<std::size_t>((hash * kGolden) >> 16);
}

Instance instance_of(const StepProgram& program, const Operand& operand, const Run& run,
                     std::size_t run_index) {
  const Tensor& tensor = program.tensor(operand.tensor);
  Instance instance{.tensor = operand.tensor, .layer = 0, .index = 0};
  if (tensor.lifetime == Lifetime::block) {
    instance.index = static_cast<std::int64_t>(run_index);
    return instance;
  }
  if (tensor.per_layer) instance.layer = run.block_call.layer.value() + operand.layer_shift;
  if (tensor.lifetime == Lifetime::micro_batch) {
    instance.index = run.in_slot ? run.micro_batch.value() : -1;
  }
  return instance;
}

}  // namespace foreshard
