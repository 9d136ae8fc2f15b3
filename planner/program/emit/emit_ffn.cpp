#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_hyper.hpp"

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

}  // namespace

void emit_ffn_activation(ProgramBuilder& builder, Block& block, Component component, TensorId up,
                         TensorId activated, std::optional<TensorId> row_weights) {
  const FfnKind kind = builder.job().model.ffn;
  const auto pointwise = [&](PointwiseKind what, TensorId sized_like, std::vector<Operand> operands) {
    const bool is_last = operands.back().tensor == activated;
    if (row_weights && is_last) operands.push_back(reads(*row_weights));
    block.ops.push_back(compute_op(std::string(to_string(what)), component, Phase::forward,
                                   Pointwise{what, builder.tensor(sized_like).local_elements()},
                                   std::move(operands)));
  };
  if (builder.job().training.compiled || !is_gated(kind)) {
    pointwise(fused_activation(kind), up, {reads(up), writes(activated)});
    return;
  }
  const Tensor& act = builder.tensor(activated);
  Tensor gate = tensor_of({act.meaning.part, TensorItem::gate_act});
  gate.dtype = act.dtype;
  gate.dims = act.dims;
  const TensorId gate_id = builder.add(std::move(gate));
  // Each of the two kernels reads one half of the fused tensor.
  pointwise(gate_activation(kind), gate_id, {reads(up), writes(gate_id)});
  pointwise(PointwiseKind::multiply, gate_id, {reads(gate_id), reads(up), writes(activated)});
}

BlockKind block_kind(FeedForward ffn) {
  switch (ffn) {
    case FeedForward::dense: return BlockKind::dense_layer;
    case FeedForward::experts: return BlockKind::moe_layer;
    case FeedForward::none: return BlockKind::mixer_layer;
  }
  return BlockKind::dense_layer;
}

FfnParts ffn_parts(const ModelSpec& model, std::int64_t ffn_hidden) {
  const bool gated = is_gated(model.ffn);
  return {.up = gated ? TensorItem::gate_up : TensorItem::up,
          .up_name = gated ? "gate_up" : "up",
          .up_rows = gated ? 2 * ffn_hidden : ffn_hidden,
          .sections = gated ? std::vector{ffn_hidden, ffn_hidden} : std::vector<std::int64_t>{}};
}

TensorId emit_mlp(ProgramBuilder& builder, Block& block, WeightGroup& group, ModelPart part,
                  std::int64_t ffn_hidden, TensorId x) {
  const BlockShapes& s = builder.shapes();
  const bool has_bias = builder.job().model.biases == Biases::all;
  const std::string label = part == ModelPart::shared_experts ? "shared " : "";
  // gate and up are one product, end to end: (T, D) · (D, 2F).
  const FfnParts parts = ffn_parts(builder.job().model, ffn_hidden);
  const TensorId up_weight = builder.weight(
      group, {part, parts.up, TensorAspect::weight},
      {cut_dim(DimName::ffn, parts.up_rows, s.tp, true), {.name = DimName::hidden, .size = s.hidden}},
      parts.sections);
  std::optional<TensorId> up_bias;
  if (has_bias) {
    up_bias = builder.weight(group, {part, parts.up, TensorAspect::bias},
                             {cut_dim(DimName::ffn, parts.up_rows, s.tp, true)}, parts.sections);
  }
  const TensorId up = builder.activation({part, parts.up}, DimName::ffn, parts.up_rows, true);
  emit_linear(builder, block, group,
              {label + parts.up_name, Component::ffn, s.layer_math, reads(x), up_weight, up, up_bias});

  const TensorId activated = builder.activation({part, TensorItem::act}, DimName::ffn, ffn_hidden, true);
  emit_ffn_activation(builder, block, Component::ffn, up, activated);

  const TensorId down_weight = builder.weight(
      group, {part, TensorItem::down, TensorAspect::weight},
      {{.name = DimName::hidden, .size = s.hidden}, cut_dim(DimName::ffn, ffn_hidden, s.tp, true)});
  std::optional<TensorId> down_bias;
  if (has_bias) {
    down_bias = builder.weight(group, {part, TensorItem::down, TensorAspect::bias},
                               {{.name = DimName::hidden, .size = s.hidden}});
  }
  const TensorId down = builder.activation({part, TensorItem::down}, DimName::hidden, s.hidden, false);
  if (s.tp > 1) builder.tensor(down).partial = GroupKind::tp;
  emit_linear(builder, block, group,
              {label + "down", Component::ffn, s.layer_math, reads(activated), down_weight, down, down_bias});
  if (s.tp > 1) {
    block.ops.push_back(
        all_reduce_tp(builder, "all-reduce " + label + "down", Component::ffn, Phase::forward, reads(down)));
  }
  return down;
}

Operand ffn_input(ProgramBuilder& builder) {
  if (has_streams(builder)) return reads(builder.find({ModelPart::hyper, TensorItem::ffn_row}));
  return builder.job().model.parallel_residual ? reads(hidden_stream(builder)) : ffn_residual(builder);
}

Operand ffn_residual(ProgramBuilder& builder) {
  return reads(has_mixer(builder.kind()) ? builder.find(kMidStream) : hidden_stream(builder));
}

TensorId emit_ffn_norm(ProgramBuilder& builder, Block& block, WeightGroup& group) {
  if (builder.job().model.norms_per_layer == 1)
    return builder.find({ModelPart::norm, TensorItem::attention_norm, TensorAspect::output});
  return emit_norm(builder, block, group, "ffn norm", TensorItem::ffn_norm, ffn_input(builder));
}

void emit_ffn_residual(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId out) {
  if (builder.job().model.norms_per_layer == 4) {
    out = emit_norm(builder, block, group, "ffn post norm", TensorItem::ffn_post_norm, reads(out));
  }
  if (has_streams(builder))
    return emit_write_streams(builder, block, Mixing::ffn, ffn_residual(builder), out,
                              writes(hidden_stream(builder), 1));
  emit_residual(builder, block, "ffn residual", TensorItem::ffn_dropout, ffn_residual(builder), reads(out),
                writes(hidden_stream(builder), 1));
}

void emit_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group) {
  const TensorId normed = emit_ffn_norm(builder, block, group);
  const TensorId down = emit_mlp(builder, block, group, ModelPart::ffn, builder.shapes().ffn, normed);
  emit_ffn_residual(builder, block, group, down);
}

Block emit_layer(ProgramBuilder& builder, const std::string& name, WeightGroup& group, WeightGroup& experts) {
  const LayerKind& kind = builder.kind();
  Block block{.name = name + " forward", .kind = block_kind(kind.ffn), .pass = Pass::forward, .ops = {}};
  if (has_mixer(kind)) emit_mixer(builder, block, group);
  if (has_ffn(kind) && has_streams(builder))
    emit_read_streams(builder, block, group, Mixing::ffn, ffn_residual(builder));
  switch (kind.ffn) {
    case FeedForward::dense: emit_ffn(builder, block, group); break;
    case FeedForward::experts: emit_moe_ffn(builder, block, group, experts); break;
    case FeedForward::none: break;
  }
  return block;
}

}  // namespace foreshard
