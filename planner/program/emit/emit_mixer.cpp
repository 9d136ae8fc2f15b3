#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_hyper.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

/// The mixer of the current kind. @pre the kind has one
Mixed emit_inner(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  return std::visit(
      overloaded{
          [&](const SoftmaxAttention&) { return emit_softmax_attention(builder, block, group, x); },
          [&](const LatentAttention&) { return emit_latent_attention(builder, block, group, x); },
          [&](const CompressedAttention&) { return emit_compressed_attention(builder, block, group, x); },
          [&](const auto&) { return emit_linear_mixer(builder, block, group, x); }},
      builder.kind().mixer);
}

/// The output product and its all-reduce.
TensorId emit_output(ProgramBuilder& builder, Block& block, WeightGroup& group, const Mixed& mixed) {
  const BlockShapes& s = builder.shapes();
  const TensorId weight = builder.weight(
      group, {mixed.part, TensorItem::out, TensorAspect::weight},
      {{.name = DimName::hidden, .size = s.hidden}, cut_dim(DimName::flat, mixed.width, s.tp, true)});
  std::optional<TensorId> bias;
  if (mixed.has_bias)
    bias = builder.weight(group, {mixed.part, TensorItem::out, TensorAspect::bias},
                          {{.name = DimName::hidden, .size = s.hidden}});
  const TensorId out = builder.activation({mixed.part, TensorItem::out}, DimName::hidden, s.hidden, false);
  if (s.tp > 1) builder.tensor(out).partial = GroupKind::tp;
  emit_linear(builder, block, group,
              {"out", mixed.component, s.layer_math, reads(mixed.rows), weight, out, bias});
  if (s.tp > 1) {
    block.ops.push_back(
        all_reduce_tp(builder, "all-reduce out", mixed.component, Phase::forward, reads(out)));
  }
  return out;
}

}  // namespace

void emit_mixer(ProgramBuilder& builder, Block& block, WeightGroup& group) {
  const BlockShapes& s = builder.shapes();
  const TensorId hidden = hidden_stream(builder);
  Operand row = reads(hidden);
  if (has_streams(builder)) row = emit_read_streams(builder, block, group, Mixing::attention, row);
  const TensorId normed = emit_norm(builder, block, group, "attention norm", TensorItem::attention_norm, row);
  TensorId out = emit_output(builder, block, group, emit_inner(builder, block, group, normed));
  if (builder.job().model.norms_per_layer == 4) {
    out =
        emit_norm(builder, block, group, "attention post norm", TensorItem::attention_post_norm, reads(out));
  }
  // If no FFN follows, the output of the mixer is the input of the next layer.
  const std::int64_t width = s.hidden * builder.job().model.streams();
  const Operand after = has_ffn(builder.kind())
                            ? writes(builder.activation(kMidStream, DimName::hidden, width, false))
                            : writes(hidden, 1);
  if (has_streams(builder))
    return emit_write_streams(builder, block, Mixing::attention, reads(hidden), out, after);
  emit_residual(builder, block, "attention residual", TensorItem::attention_dropout, reads(hidden),
                reads(out), after);
}

TensorId emit_output_gate(ProgramBuilder& builder, Block& block, WeightGroup& group, OutputGate gate,
                          TensorId x, const Mixed& mixed) {
  if (gate == OutputGate::none) return mixed.rows;
  const BlockShapes& s = builder.shapes();
  const std::int64_t columns = gate == OutputGate::headwise ? s.heads : mixed.width;
  const TensorId weight = builder.weight(
      group, {mixed.part, TensorItem::gate, TensorAspect::weight},
      {cut_dim(DimName::flat, columns, s.tp, true), {.name = DimName::hidden, .size = s.hidden}});
  const TensorId gates = builder.activation({mixed.part, TensorItem::gate}, DimName::flat, columns, true);
  emit_linear(builder, block, group, {"gate", mixed.component, s.layer_math, reads(x), weight, gates});
  const TensorId gated =
      builder.activation({mixed.part, TensorItem::gated}, DimName::flat, mixed.width, true);
  block.ops.push_back(compute_op("output gate", mixed.component, Phase::forward,
                                 Gate{.elements = builder.tensor(gated).local_elements()},
                                 {reads(gates), reads(mixed.rows), writes(gated)}));
  return gated;
}

}  // namespace foreshard
