#include "planner/program/passes/accumulation.hpp"

#include <utility>

#include <fmt/format.h>

namespace foreshard {

namespace {

/// The operand of the weight gradient to which a product adds; null for all other operations.
Operand* gradient_operand(const ProgramBuilder& builder, Op& op) {
  if (!is_product(op) || op.phase != Phase::backward_weight) return nullptr;
  Operand& c = op.operands[2];
  const bool adds = c.access == Access::accumulate;
  return adds && builder.tensor(c.tensor).role == TensorRole::gradient ? &c : nullptr;
}

/// A new tensor for the gradient of one micro-batch, in the weight's type, as autograd makes it.
TensorId fresh_gradient(ProgramBuilder& builder, TensorId gradient) {
  Tensor fresh = builder.derived(gradient, Derivation::fresh_gradient);
  fresh.lifetime = Lifetime::block;
  fresh.dtype = builder.shapes().weight;
  return builder.add(std::move(fresh));
}

}  // namespace

void add_placeholders(ProgramBuilder& builder, Block& backward) {
  for (Op& op : backward.ops) {
    const Operand* const gradient = gradient_operand(builder, op);
    if (gradient == nullptr) continue;
    const std::vector<Dim>& dims = builder.tensor(gradient->tensor).dims;
    const std::int64_t rows = dims[dims.size() - 2].local();  // for experts: of one expert
    const std::int64_t columns = dims.back().local();
    Tensor placeholder;
    placeholder.meaning = {ModelPart::optimizer, TensorItem::placeholder};
    placeholder.label = fmt::format("placeholder {} x {}", rows, columns);
    placeholder.role = TensorRole::buffer;
    placeholder.dtype = builder.shapes().weight;
    placeholder.lifetime = Lifetime::step;
    placeholder.per_layer = false;
    placeholder.dims = {{.name = DimName::flat, .size = rows}, {.name = DimName::flat, .size = columns}};
    op.operands.push_back(writes(builder.add(std::move(placeholder))));
  }
}

void separate_accumulation(ProgramBuilder& builder, Block& backward) {
  std::vector<Op> ops;
  for (Op& op : backward.ops) {
    Operand* const gradient = gradient_operand(builder, op);
    if (gradient == nullptr) {
      ops.push_back(std::move(op));
      continue;
    }
    const Operand sum = *gradient;
    *gradient = writes(fresh_gradient(builder, sum.tensor));
    Op add = compute_op(op.name + " accumulate", op.component, Phase::backward_weight,
                        Pointwise{PointwiseKind::accumulate, builder.tensor(sum.tensor).local_elements()},
                        {reads(gradient->tensor), sum});
    ops.push_back(std::move(op));
    ops.push_back(std::move(add));
  }
  backward.ops = std::move(ops);
}

}  // namespace foreshard
