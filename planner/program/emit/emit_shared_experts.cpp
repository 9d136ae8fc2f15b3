#include "planner/program/emit/emit_shared_experts.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {
namespace {

/// The shared experts' output, scaled by a sigmoid of the token if they have a gate.
TensorId emit_gated_mlp(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  const BlockShapes& s = builder.shapes();
  const ExpertsSpec& moe = *builder.job().model.experts;
  const TensorId shared = emit_mlp(builder, block, group, ModelPart::shared_experts, moe.shared_hidden, x);
  if (!moe.shared_gate) return shared;
  const Meaning gate{ModelPart::shared_experts, TensorItem::gate};
  const TensorId weight =
      builder.weight(group, with(gate, TensorAspect::weight),
                     {{.name = DimName::flat, .size = 1}, {.name = DimName::hidden, .size = s.hidden}});
  const TensorId gates = builder.activation(gate, DimName::flat, 1, false);
  emit_linear(builder, block, group, {"shared gate", Component::ffn, s.activation, reads(x), weight, gates});
  const TensorId gated =
      builder.activation({ModelPart::shared_experts, TensorItem::gated}, DimName::hidden, s.hidden, false);
  block.ops.push_back(compute_op("gate shared experts", Component::ffn, Phase::forward,
                                 Gate{.elements = builder.tensor(gated).local_elements()},
                                 {reads(gates), reads(shared), writes(gated)}));
  return gated;
}

/// Takes the operations from `first` on out of the block.
std::vector<Op> take_from(Block& block, std::size_t first) {
  const auto begin = block.ops.begin() + static_cast<std::ptrdiff_t>(first);
  std::vector<Op> taken(std::make_move_iterator(begin), std::make_move_iterator(block.ops.end()));
  block.ops.erase(begin, block.ops.end());
  return taken;
}

/// True for the product with the weight that makes the shared experts' output.
bool is_second_product(const ProgramBuilder& builder, const Op& op) {
  constexpr Meaning kWeight{ModelPart::shared_experts, TensorItem::down, TensorAspect::weight};
  return is_product(op) && std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
           return builder.tensor(operand.tensor).meaning == kWeight;
         });
}

}  // namespace

SharedExperts emit_shared_experts(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  const std::int64_t hidden = builder.job().model.experts->shared_hidden;
  if (hidden == 0) return {};
  const std::size_t before = block.ops.size();
  SharedExperts shared;
  shared.out = emit_gated_mlp(builder, block, group, x);
  if (builder.job().model.experts->own_norms)
    shared.out = emit_norm(builder, block, group, "shared post norm", TensorItem::shared_post_norm,
                           reads(*shared.out));
  const auto second = std::find_if(block.ops.begin() + static_cast<std::ptrdiff_t>(before), block.ops.end(),
                                   [&](const Op& op) { return is_second_product(builder, op); });
  shared.second = take_from(block, static_cast<std::size_t>(second - block.ops.begin()));
  shared.first = take_from(block, before);
  return shared;
}

void append_ops(Block& block, std::vector<Op>&& ops) {
  block.ops.insert(block.ops.end(), std::make_move_iterator(ops.begin()), std::make_move_iterator(ops.end()));
}

}  // namespace foreshard
