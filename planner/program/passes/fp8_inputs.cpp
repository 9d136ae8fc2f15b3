#include "planner/program/passes/fp8_inputs.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/passes/quantise.hpp"

namespace foreshard {
namespace {

bool uses(const Op& op, TensorId id) {
  return std::any_of(op.operands.begin(), op.operands.end(),
                     [&](const Operand& operand) { return operand.tensor == id; });
}

bool changes(const Op& op, TensorId id) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    return operand.tensor == id && operand.access != Access::read;
  });
}

Op cast_op(const ProgramBuilder& builder, const Op& like, TensorId from, TensorId to) {
  const Tensor& x = builder.tensor(from);
  return compute_op("cast " + x.label, like.component, like.phase,
                    Pointwise{PointwiseKind::cast, x.local_elements()}, {reads(from), writes(to)});
}

/// True for swiglu, and for silu, the first of the two kernels that it is without compilation.
bool is_swiglu(const Op& op) {
  const auto* pointwise = std::get_if<Pointwise>(&op.kind);
  return pointwise != nullptr &&
         (pointwise->kind == PointwiseKind::swiglu || pointwise->kind == PointwiseKind::silu);
}

void keep_input(ProgramBuilder& builder, TensorId input, std::vector<Op>& forward,
                std::vector<Op>& backward) {
  const auto reader =
      std::find_if(backward.begin(), backward.end(), [&](const Op& op) { return uses(op, input); });
  const bool is_made_anew =
      std::any_of(backward.begin(), backward.end(), [&](const Op& op) { return changes(op, input); });
  if (reader == backward.end() || is_made_anew) return;
  const TensorId kept = builder.add(copy_of(builder, input, Derivation::quantised, DType::fp8));
  const TensorId again =
      builder.add(copy_of(builder, kept, Derivation::recomputed, builder.tensor(input).dtype));
  // After the last kernel of the activation.
  const auto last =
      std::find_if(forward.rbegin(), forward.rend(), [&](const Op& op) { return uses(op, input); });
  forward.insert(last.base(), cast_op(builder, *last, input, kept));
  for (Op& op : backward) {
    for (Operand& operand : op.operands) {
      if (operand.tensor == input) operand.tensor = again;
    }
  }
  backward.insert(reader, cast_op(builder, *reader, kept, again));
}

}  // namespace

void keep_inputs_in_fp8(ProgramBuilder& builder, Block& forward, Block& backward) {
  if (!builder.job().training.fp8_activation_inputs) return;
  std::vector<TensorId> inputs;
  for (const Op& op : forward.ops) {
    if (is_swiglu(op)) inputs.push_back(op.operands.front().tensor);
  }
  for (const TensorId input : inputs) keep_input(builder, input, forward.ops, backward.ops);
}

}  // namespace foreshard
