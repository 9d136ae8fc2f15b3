#include "planner/cost/memory/step_tensors.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace foreshard {

namespace {

void count_step_tensor(const TensorFacts& tensor, StageMemory& memory) {
  switch (tensor.role) {
    case TensorRole::weight: memory.weights += tensor.bytes; break;
    case TensorRole::gradient: memory.gradients += tensor.bytes; break;
    case TensorRole::optimizer: memory.optimizer += tensor.bytes; break;
    case TensorRole::activation:
    case TensorRole::activation_gradient:
    case TensorRole::buffer:
    case TensorRole::input: memory.buffers += tensor.bytes; break;
  }
}

}  // namespace

void add_step_tensors(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage,
                      StageMemory& memory) {
  std::vector<std::span<const BlockCall>> lists{stage.prologue, stage.epilogue};
  for (const Chunk& chunk : stage.chunks) {
    lists.insert(lists.end(), {chunk.forward, chunk.first_forward, chunk.backward, chunk.last_backward,
                               chunk.weight, chunk.last_weight});
  }
  const LayerWindow window = tensors.window_of(lists);
  std::vector<bool> counted(tensors.instances(window));
  for (const std::span<const BlockCall> block_calls : lists) {
    for (const BlockCall& block_call : block_calls) {
      for (const Op& op : program.block(block_call.block).ops) {
        for (const Operand& operand : op.operands) {
          const TensorFacts& tensor = tensors[operand.tensor];
          if (tensor.lifetime != Lifetime::step) continue;
          const std::size_t instance = tensors.instance(operand, block_call.layer, window);
          if (counted[instance]) continue;
          counted[instance] = true;
          count_step_tensor(tensor, memory);
        }
      }
    }
  }
  for (std::size_t id = 0; id < program.tensors.size(); ++id) {
    if (program.tensors[id].held) count_step_tensor(tensors[TensorId(id)], memory);
  }
}

}  // namespace foreshard
