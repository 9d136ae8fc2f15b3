#include "planner/cost/memory/handed_over.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <variant>

namespace foreshard {
namespace {

/// A tensor of a micro-batch and the layer of its instance.
using Kept = std::pair<TensorId, std::int32_t>;

std::set<Kept> kept_in(const StepProgram& program, const std::vector<BlockCall>& block_calls) {
  std::set<Kept> kept;
  for (const BlockCall& block_call : block_calls) {
    for (const Op& op : program.block(block_call.block).ops) {
      for (const Operand& operand : op.operands) {
        const Tensor& tensor = program.tensor(operand.tensor);
        if (tensor.lifetime == Lifetime::micro_batch && tensor.per_layer)
          kept.emplace(operand.tensor, block_call.layer.value() + operand.layer_shift);
      }
    }
  }
  return kept;
}

/// True if the pass sends its result to another stage.
bool sends(const StepProgram& program, const std::vector<BlockCall>& block_calls) {
  return std::any_of(block_calls.begin(), block_calls.end(), [&](const BlockCall& block_call) {
    const std::vector<Op>& ops = program.block(block_call.block).ops;
    return !ops.empty() && std::holds_alternative<Send>(ops.front().kind);
  });
}

/// The bytes of what is in both sets and not in `later`, the passes of the first that come after.
LiveBytes shared(const TensorTable& tensors, const std::set<Kept>& first, const std::set<Kept>& second,
                 const std::set<Kept>& later) {
  LiveBytes bytes;
  for (const Kept& kept : first) {
    if (!second.contains(kept) || later.contains(kept)) continue;
    const TensorFacts& tensor = tensors[kept.first];
    const bool is_activation = tensor.role == TensorRole::activation || tensor.role == TensorRole::input;
    (is_activation ? bytes.activations : bytes.buffers) += tensor.kept;
  }
  return bytes;
}

}  // namespace

HandedOver::HandedOver(const StepProgram& program, const TensorTable& tensors, const StageProgram& stage) {
  for (std::size_t c = 0; c + 1 < stage.chunks.size(); ++c) {
    const Chunk& one = stage.chunks[c];
    const Chunk& next = stage.chunks[c + 1];
    between_.emplace_back();
    if (sends(program, one.forward)) continue;
    std::set<Kept> after_forward = kept_in(program, one.backward);
    after_forward.merge(kept_in(program, one.weight));
    between_.back() = {.activations = shared(tensors, kept_in(program, one.forward),
                                             kept_in(program, next.forward), after_forward),
                       .gradients = shared(tensors, kept_in(program, next.backward),
                                           kept_in(program, one.backward), kept_in(program, next.weight))};
  }
}

LiveBytes HandedOver::before(const Slot& slot) const {
  const std::size_t chunk = slot.chunk.at();
  if (slot.pass == Pass::forward && chunk > 0) return between_[chunk - 1].activations;
  if (slot.pass == Pass::backward && chunk < between_.size()) return between_[chunk].gradients;
  return {};
}

LiveBytes HandedOver::after(const Slot& slot) const {
  const std::size_t chunk = slot.chunk.at();
  if (slot.pass == Pass::forward && chunk < between_.size()) return between_[chunk].activations;
  if (slot.pass == Pass::backward && chunk > 0) return between_[chunk - 1].gradients;
  return {};
}

}  // namespace foreshard
