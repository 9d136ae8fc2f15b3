#include "planner/program/schedule/runs.hpp"

namespace foreshard {

std::vector<Run> runs_of(const StepProgram& program, StageId stage_id) {
  const StageProgram& stage = program.stages[stage_id.at()];
  std::vector<Run> runs;
  for (const BlockCall& block_call : stage.prologue)
    runs.push_back({block_call, ChunkId(), MicroBatch(), false});
  for (const Slot& slot : stage.order) {
    for (const BlockCall& block_call : block_calls_of(stage, slot, program.micro_batches)) {
      runs.push_back({block_call, slot.chunk, slot.micro_batch, true});
    }
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
