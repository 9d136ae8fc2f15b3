#include "planner/program/step_program.hpp"

#include <stdexcept>

namespace foreshard {

DeviceMesh mesh_of(const StepProgram& program) {
  ParallelismSpec parallelism;
  parallelism.tp = program.group(GroupKind::tp).size;
  parallelism.cp = program.group(GroupKind::cp).size;
  parallelism.dp = program.group(GroupKind::dp).size;
  parallelism.pp = program.group(GroupKind::pp).size;
  parallelism.ep = program.group(GroupKind::ep).size;
  parallelism.etp = program.group(GroupKind::etp).size;
  parallelism.dp_shard = parallelism.dp / program.group(GroupKind::dp_replicate).size;
  return DeviceMesh(parallelism);
}

std::int64_t sequences_per_step(const StepProgram& program) {
  return checked_product(program.micro_batches, program.sequences, program.group(GroupKind::dp).size);
}

std::int64_t known_vocabulary(const StepProgram& program) {
  for (const Tensor& tensor : program.tensors) {
    if (tensor.is({ModelPart::embedding, TensorItem::token_table, TensorAspect::weight}))
      return tensor.known_rows();
  }
  throw std::logic_error("the program has no token table");
}

std::span<const BlockCall> block_calls_of(const StageProgram& stage, const Slot& slot,
                                          std::int64_t micro_batches) {
  const Chunk& chunk = stage.chunks[slot.chunk.at()];
  if (slot.pass == Pass::forward)
    return slot.micro_batch.value() == 0 && !chunk.first_forward.empty() ? chunk.first_forward
                                                                         : chunk.forward;
  const std::vector<BlockCall>& ordinary = slot.pass == Pass::weight ? chunk.weight : chunk.backward;
  const std::vector<BlockCall>& last = slot.pass == Pass::weight ? chunk.last_weight : chunk.last_backward;
  const bool is_last = slot.micro_batch.value() == micro_batches - 1;
  return is_last && !last.empty() ? last : ordinary;
}

std::vector<std::int64_t> count_block_calls(const StepProgram& program, StageId stage_id) {
  const StageProgram& stage = program.stages[stage_id.at()];
  std::vector<std::int64_t> counts(program.blocks.size(), 0);
  const auto count = [&](std::span<const BlockCall> block_calls) {
    for (const BlockCall& block_call : block_calls) ++counts[block_call.block.at()];
  };
  count(stage.prologue);
  for (const Slot& slot : stage.order) count(block_calls_of(stage, slot, program.micro_batches));
  count(stage.epilogue);
  return counts;
}

}  // namespace foreshard
