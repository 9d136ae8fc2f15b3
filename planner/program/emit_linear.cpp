#include <string>
#include <utility>
#include <vector>

#include "planner/program/ops/enum_names.hpp"
#include "planner/program/program_builder.hpp"

namespace foreshard {

namespace {

Op product(const ProgramBuilder& builder, const Linear& l, Access into) {
  const Tensor& w = builder.tensor(l.weight);
  const Gemm gemm{.batch = 1,
                  .m = builder.tensor(l.y).dims[0].local(),
                  .n = w.dims[0].local(),
                  .k = w.dims[1].local(),
                  .math = l.math,
                  .transpose_b = true};
  std::vector<Operand> operands{l.x, reads(l.weight), {l.y, into, 0}};
  if (l.bias) operands.push_back(reads(*l.bias));
  return compute_op(l.name, l.component, Phase::forward, gemm, std::move(operands));
}

/// A projection inside the product of a fused weight: rows of the weight, columns of the result.
struct Projection {
  TensorItem item;
  std::int64_t rows = 0;
};

/// The projections of this product that have adapters. A fused weight counts as one projection where the job
/// names all of attention or of the FFN.
std::vector<Projection> adapted_projections(const JobSpec& job, const Linear& linear, const Tensor& w) {
  if (!job.lora) return {};
  const LoraSpec& lora = *job.lora;
  const Projection whole{w.meaning.item, w.dims[0].size};
  if (linear.component == Component::attention && lora.attention) return {whole};
  if (linear.component == Component::ffn && lora.ffn) return {whole};
  std::vector<Projection> found;
  const auto add = [&](LoraTarget target, TensorItem item, std::size_t section) {
    if (!lora.has(target)) return;
    found.push_back({item, w.sections.empty() ? w.dims[0].size : w.sections.at(section)});
  };
  switch (w.meaning.item) {
    case TensorItem::qkv:
      add(LoraTarget::q, TensorItem::q, 0);
      add(LoraTarget::k, TensorItem::k, 1);
      add(LoraTarget::v, TensorItem::v, 2);
      return found;
    case TensorItem::gate_up:
      add(LoraTarget::gate, TensorItem::gate, 0);
      add(LoraTarget::up, TensorItem::up, 1);
      return found;
    case TensorItem::up: add(LoraTarget::up, TensorItem::up, 0); return found;
    case TensorItem::down: add(LoraTarget::down, TensorItem::down, 0); return found;
    case TensorItem::out: add(LoraTarget::o, TensorItem::out, 0); return found;
    case TensorItem::output_table: add(LoraTarget::head, TensorItem::output_table, 0); return found;
    default: return found;
  }
}

/// The tensors of a product whose adapters decompose the weight into magnitude and direction.
struct Decomposed {
  TensorId unscaled;   ///< the product without its adapters
  TensorId added;      ///< the sum of what the adapters add
  TensorId magnitude;  ///< one trained number for each row of the weight
};

/// A tensor like the product's result, of this aspect.
TensorId like_result(ProgramBuilder& builder, const Linear& linear, TensorAspect aspect) {
  const Tensor y = builder.tensor(linear.y);
  Tensor tensor = tensor_of(
      {builder.tensor(linear.weight).meaning.part, builder.tensor(linear.weight).meaning.item, aspect});
  tensor.dtype = y.dtype;
  tensor.dims = y.dims;
  tensor.partial = y.partial;
  return builder.add(std::move(tensor));
}

Decomposed decomposed(ProgramBuilder& builder, WeightGroup& group, const Linear& linear) {
  const Tensor w = builder.tensor(linear.weight);
  const Meaning meaning{w.meaning.part, w.meaning.item, TensorAspect::magnitude};
  return {.unscaled = like_result(builder, linear, TensorAspect::unscaled),
          .added = like_result(builder, linear, TensorAspect::adapter_out),
          .magnitude = builder.weight(group, meaning, {w.dims[0]}, w.sections)};
}

/// Appends B·A of one projection, as large as its part of the weight. Backward takes it as a constant.
TensorId emit_merged(ProgramBuilder& builder, Block& block, const Linear& linear, const std::string& name,
                     TensorId a, TensorId b) {
  const Tensor& rows = builder.tensor(b);
  Tensor merged = tensor_of(with(rows.meaning, TensorAspect::merged));
  merged.role = TensorRole::buffer;
  merged.dtype = builder.shapes().weight;
  merged.dims = {rows.dims[0], builder.tensor(a).dims[1]};
  const TensorId id = builder.add(std::move(merged));
  const Tensor& shape = builder.tensor(id);
  block.ops.push_back(compute_op(name + " merge", linear.component, Phase::forward,
                                 Gemm{.batch = 1,
                                      .m = shape.dims[0].local(),
                                      .n = shape.dims[1].local(),
                                      .k = builder.tensor(a).dims[0].local(),
                                      .math = builder.shapes().wide_math},
                                 {reads(b), reads(a), writes(id)}));
  return id;
}

/// Appends the norms of the rows of W + B·A, summed over tp where the weight's columns are cut.
TensorId emit_row_norms(ProgramBuilder& builder, Block& block, const Linear& linear, TensorId weight,
                        const std::vector<TensorId>& merged) {
  const Tensor w = builder.tensor(linear.weight);
  Tensor norms = tensor_of({w.meaning.part, w.meaning.item, TensorAspect::row_norms});
  norms.role = TensorRole::activation;
  norms.dtype = DType::fp32;
  norms.dims = {w.dims[0]};
  if (w.dims[1].tp > 1) norms.partial = GroupKind::tp;
  const TensorId id = builder.add(std::move(norms));
  const auto pass = [&](const char* what, const Pointwise& kind, std::vector<Operand> operands) {
    block.ops.push_back(
        compute_op(linear.name + what, linear.component, Phase::forward, kind, std::move(operands)));
  };
  pass(" zero norms", {PointwiseKind::zero, builder.tensor(id).local_elements()}, {writes(id)});
  std::vector<Operand> summed{reads(weight)};
  std::int64_t elements = builder.tensor(weight).local_elements();
  for (const TensorId part : merged) {
    summed.push_back(reads(part));
    elements += builder.tensor(part).local_elements();
  }
  summed.push_back(adds_to(id));
  pass(" norms", {PointwiseKind::sum_squares, elements}, std::move(summed));
  if (w.dims[1].tp > 1)
    block.ops.push_back(all_reduce_tp(builder, "all-reduce " + linear.name + " norms", linear.component,
                                      Phase::forward, reads(id)));
  return id;
}

/// Appends y = m/‖W + BA‖ ∘ (unscaled + added), in three passes as PEFT runs it.
void emit_scaled(ProgramBuilder& builder, Block& block, const Linear& linear, const Decomposed& parts,
                 TensorId norms) {
  const std::int64_t elements = builder.tensor(linear.y).local_elements();
  const auto pass = [&](PointwiseKind kind, std::vector<Operand> operands) {
    block.ops.push_back(compute_op(linear.name + " " + std::string(to_string(kind)), linear.component,
                                   Phase::forward, Pointwise{kind, elements}, std::move(operands)));
  };
  const TensorId base = like_result(builder, linear, TensorAspect::scaled);
  const TensorId more = like_result(builder, linear, TensorAspect::adapter_scaled);
  pass(PointwiseKind::multiply, {reads(parts.unscaled), reads(parts.magnitude), writes(base), reads(norms)});
  pass(PointwiseKind::multiply, {reads(parts.added), reads(parts.magnitude), writes(more), reads(norms)});
  pass(PointwiseKind::add, {reads(base), reads(more), writes(linear.y)});
}

}  // namespace

void emit_linear(ProgramBuilder& builder, Block& block, WeightGroup& group, const Linear& linear) {
  Linear wide = linear;
  wide.weight = dequantised(builder, block, linear.name, linear.component, linear.weight);
  const Tensor w = builder.tensor(linear.weight);
  const std::vector<Projection> projections = adapted_projections(builder.job(), linear, w);
  std::optional<Decomposed> parts;
  if (!projections.empty() && builder.job().lora->dora) parts = decomposed(builder, group, linear);
  if (parts) wide.y = parts->unscaled;
  block.ops.push_back(product(builder, wide, Access::write));

  Access into = parts ? Access::write : Access::accumulate;
  std::vector<TensorId> merged;
  const DType math = builder.shapes().wide_math;
  for (const Projection& projection : projections) {
    const bool is_part = projection.rows != w.dims[0].size;
    const std::string name =
        linear.name + (is_part ? " " + std::string(name_of(projection.item)) : "") + " lora";
    const Meaning meaning{w.meaning.part, projection.item, TensorAspect::weight};
    const Dim rank{.name = DimName::flat, .size = builder.job().lora->rank};
    Dim rows = w.dims[0];
    rows.size = projection.rows;
    const TensorId a = builder.weight(group, with(meaning, TensorAspect::adapter_a), {rank, w.dims[1]});
    const TensorId b = builder.weight(group, with(meaning, TensorAspect::adapter_b), {rows, rank},
                                      is_part ? std::vector<std::int64_t>{} : w.sections);
    Tensor narrow = tensor_of(with(meaning, TensorAspect::adapter_rows));
    narrow.dtype = builder.tensor(linear.y).dtype;
    narrow.dims = {builder.tensor(linear.y).dims[0], rank};
    const TensorId xa = builder.add(std::move(narrow));
    block.ops.push_back(product(builder, {name + " a", linear.component, math, linear.x, a, xa, std::nullopt},
                                Access::write));
    const TensorId y = parts ? parts->added : linear.y;
    block.ops.push_back(
        product(builder, {name + " b", linear.component, math, reads(xa), b, y, std::nullopt}, into));
    into = Access::accumulate;
    if (parts) merged.push_back(emit_merged(builder, block, linear, name, a, b));
  }
  if (parts)
    emit_scaled(builder, block, linear, *parts, emit_row_norms(builder, block, linear, wide.weight, merged));
}

}  // namespace foreshard
