#include "planner/program/passes/recompute_modules.hpp"

#include <algorithm>
#include <array>

namespace foreshard {

namespace {

/// True if the operation writes or changes a tensor of one of these items of this part of the model.
template <std::size_t N>
bool makes(const ProgramBuilder& builder, const Op& op, ModelPart part, std::array<TensorItem, N> items) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    const Meaning& meaning = builder.tensor(operand.tensor).meaning;
    return operand.access != Access::read && meaning.part == part &&
           std::find(items.begin(), items.end(), meaning.item) != items.end();
  });
}

bool covers(const ProgramBuilder& builder, const Op& op, BlockKind kind, RecomputeModule module) {
  const bool is_forward = op.phase == Phase::forward;
  switch (module) {
    case RecomputeModule::core_attn: return op.component == Component::attention_core;
    case RecomputeModule::mla_up_proj:
      // The norms of the latents are part of Transformer Engine's up projections.
      return is_forward &&
             (makes(builder, op, ModelPart::mla, std::array{TensorItem::q_up, TensorItem::kv_up}) ||
              makes(builder, op, ModelPart::norm, std::array{TensorItem::q_norm, TensorItem::kv_norm}));
    case RecomputeModule::layernorm:
      return is_forward && std::holds_alternative<Norm>(op.kind) &&
             makes(builder, op, ModelPart::norm,
                   std::array{TensorItem::attention_norm, TensorItem::ffn_norm});
    case RecomputeModule::mlp: return kind == BlockKind::dense_layer && op.component == Component::ffn;
    case RecomputeModule::moe:
      return kind == BlockKind::moe_layer &&
             (op.component == Component::router || op.component == Component::experts ||
              op.component == Component::ffn);
    case RecomputeModule::moe_act:
      return is_forward && std::holds_alternative<Pointwise>(op.kind) &&
             makes(builder, op, ModelPart::experts, std::array{TensorItem::act, TensorItem::gate_act});
    case RecomputeModule::shared_experts:
      return kind == BlockKind::moe_layer && op.component == Component::ffn;
  }
  return false;
}

}  // namespace

std::vector<RecomputeModule> recomputed_modules(const TrainingSpec& training) {
  if (training.recompute == Recompute::selective) return {RecomputeModule::core_attn};
  return training.recompute_modules;
}

std::optional<RecomputeModule> module_of(const ProgramBuilder& builder, const Op& op, BlockKind kind,
                                         std::span<const RecomputeModule> chosen) {
  std::optional<RecomputeModule> found;
  for (const RecomputeModule module : chosen) {
    if (!covers(builder, op, kind, module)) continue;
    if (module == RecomputeModule::moe) return module;
    if (!found) found = module;
  }
  return found;
}

}  // namespace foreshard
