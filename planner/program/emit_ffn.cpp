#include "planner/program/emit_forward.hpp"

namespace foreshard {

namespace {

PointwiseKind fused_activation(FfnKind kind) {
  switch (kind) {
    case FfnKind::swiglu: return PointwiseKind::swiglu;
    case FfnKind::geglu: return PointwiseKind::geglu;
    case FfnKind::glu: return PointwiseKind::glu;
    case FfnKind::gelu: return PointwiseKind::gelu;
    case FfnKind::relu: return PointwiseKind::relu;
    case FfnKind::sqrelu: return PointwiseKind::sqrelu;
  }
  return PointwiseKind::gelu;
}

PointwiseKind gate_activation(FfnKind kind) {
  if (kind == FfnKind::geglu) return PointwiseKind::gelu;
  return kind == FfnKind::glu ? PointwiseKind::sigmoid : PointwiseKind::silu;
}

/// act(gate) ∘ up as one kernel, or as PyTorch runs it uncompiled: the activation, then the product.
void emit_activation(ProgramBuilder& builder, Block& block, TensorId up, TensorId activated) {
  const FfnKind kind = builder.job().model.ffn;
  const auto pointwise = [&](PointwiseKind what, TensorId sized_like, std::vector<Operand> operands) {
    block.ops.push_back(compute_op(std::string(to_string(what)), Component::ffn, Phase::forward,
                                   Pointwise{what, builder.tensor(sized_like).local_elements()},
                                   std::move(operands)));
  };
  if (builder.job().training.compiled || !is_gated(kind)) {
    pointwise(fused_activation(kind), up, {reads(up), writes(activated)});
    return;
  }
  const BlockShapes& s = builder.shapes();
  const TensorId gate = builder.activation("layer.gate_act", DimName::ffn, s.ffn, true);
  // Each touches one half of the fused tensor.
  pointwise(gate_activation(kind), gate, {reads(up), writes(gate)});
  pointwise(PointwiseKind::multiply, gate, {reads(gate), reads(up), writes(activated)});
}

}  // namespace

void emit_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group) {
  const BlockShapes& s = builder.shapes();
  const ModelSpec& model = builder.job().model;
  const TensorId mid = builder.find("layer.mid");

  TensorId normed;
  if (model.norms_per_layer == 1) {
    normed = builder.find("layer.attn_norm.out");
  } else {
    normed = builder.activation("layer.ffn_norm.out", DimName::hidden, s.hidden, false);
    emit_norm(builder, block, group, "ffn norm", "layer.ffn_norm", reads(mid), normed);
  }

  // gate and up stand end to end in one product: (T, D) · (D, 2F).
  const bool gated = is_gated(model.ffn);
  const std::string up_name = gated ? "gate_up" : "up";
  const std::int64_t up_rows = gated ? 2 * s.ffn : s.ffn;
  const std::vector<std::int64_t> sections = gated ? std::vector{s.ffn, s.ffn} : std::vector<std::int64_t>{};
  const bool has_bias = model.biases == Biases::all;
  const TensorId up_weight = builder.weight(
      group, "layer." + up_name + ".weight",
      {cut_dim(DimName::ffn, up_rows, s.tp, true), {.name = DimName::hidden, .size = s.hidden}}, sections);
  std::optional<TensorId> up_bias;
  if (has_bias) {
    up_bias = builder.weight(group, "layer." + up_name + ".bias",
                             {cut_dim(DimName::ffn, up_rows, s.tp, true)}, sections);
  }
  const TensorId up = builder.activation("layer." + up_name, DimName::ffn, up_rows, true);
  block.ops.push_back(
      linear(builder, up_name, Component::ffn, s.layer_math, reads(normed), up_weight, writes(up), up_bias));

  const TensorId activated = builder.activation("layer.act", DimName::ffn, s.ffn, true);
  emit_activation(builder, block, up, activated);

  const TensorId down_weight =
      builder.weight(group, "layer.down.weight",
                     {{.name = DimName::hidden, .size = s.hidden}, cut_dim(DimName::ffn, s.ffn, s.tp, true)});
  std::optional<TensorId> down_bias;
  if (has_bias) {
    down_bias = builder.weight(group, "layer.down.bias", {{.name = DimName::hidden, .size = s.hidden}});
  }
  TensorId down = builder.activation("layer.down", DimName::hidden, s.hidden, false);
  if (s.tp > 1) builder.tensor(down).partial = GroupKind::tp;
  block.ops.push_back(linear(builder, "down", Component::ffn, s.layer_math, reads(activated), down_weight,
                             writes(down), down_bias));
  if (s.tp > 1) {
    block.ops.push_back(
        all_reduce_tp(builder, "all-reduce down", Component::ffn, Phase::forward, reads(down)));
  }
  if (model.norms_per_layer == 4) {
    const TensorId post = builder.activation("layer.ffn_post_norm.out", DimName::hidden, s.hidden, false);
    down = emit_norm(builder, block, group, "ffn post norm", "layer.ffn_post_norm", reads(down), post);
  }
  emit_residual(builder, block, "ffn residual", "layer.ffn_dropout", reads(mid), reads(down),
                writes(hidden_stream(builder), 1));
}

Block emit_dense_layer(ProgramBuilder& builder, WeightGroup& group) {
  Block block{
      .name = "dense_layer forward", .kind = BlockKind::dense_layer, .pass = Pass::forward, .ops = {}};
  emit_attention(builder, block, group);
  emit_ffn(builder, block, group);
  return block;
}

}  // namespace foreshard
