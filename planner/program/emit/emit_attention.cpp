#include <algorithm>
#include <cmath>

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// Rows of the fused projection for q, k and v; kv heads are repeated up to tp.
std::vector<std::int64_t> qkv_sections(const BlockShapes& s) {
  return {s.heads * s.head_dim, s.kv_heads * s.head_dim, s.kv_heads * s.head_dim};
}

std::int64_t qkv_rows(const BlockShapes& s) { return (s.heads + 2 * s.kv_heads) * s.head_dim; }

/// The attention of the current layer kind. @pre it is softmax attention
const SoftmaxAttention& attention_of(const ProgramBuilder& builder) {
  return std::get<SoftmaxAttention>(builder.kind().mixer);
}

/// A (T, q + k + v) activation, its columns cut over tp.
TensorId qkv_activation(ProgramBuilder& builder, TensorItem item) {
  const BlockShapes& s = builder.shapes();
  Tensor qkv = tensor_of({ModelPart::attention, item});
  qkv.dtype = s.activation;
  qkv.dims = {{.name = DimName::tokens, .size = s.tokens, .cp = s.cp},
              cut_dim(DimName::qkv, qkv_rows(s), s.tp, true)};
  qkv.column_sections = qkv_sections(s);
  return builder.add(std::move(qkv));
}

TensorId emit_qkv(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t repeated_rows = 2 * (s.kv_heads - attention_of(builder).kv_heads) * s.head_dim;
  const TensorId weight = builder.weight(
      group, {ModelPart::attention, TensorItem::qkv, TensorAspect::weight},
      {cut_dim(DimName::qkv, qkv_rows(s), s.tp, true), {.name = DimName::hidden, .size = s.hidden}},
      qkv_sections(s), repeated_rows * s.hidden);
  std::optional<TensorId> bias;
  if (builder.job().model.biases != Biases::none) {
    bias = builder.weight(group, {ModelPart::attention, TensorItem::qkv, TensorAspect::bias},
                          {cut_dim(DimName::qkv, qkv_rows(s), s.tp, true)}, qkv_sections(s), repeated_rows);
  }
  const TensorId qkv = qkv_activation(builder, TensorItem::qkv);
  emit_linear(builder, block, group,
              {"qkv", Component::attention, s.layer_math, reads(x), weight, qkv, bias});
  return qkv;
}

/// Emits norms over all of q and over all of k. Their weights are one tensor, end to end.
TensorId emit_whole_qk_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t width = (s.heads + s.kv_heads) * s.head_dim;
  const TensorId weight = builder.weight(group, {ModelPart::norm, TensorItem::qk_norm, TensorAspect::weight},
                                         {{.name = DimName::flat, .size = width}});
  const TensorId y = qkv_activation(builder, TensorItem::qkv_normed);
  block.ops.push_back(compute_op(
      "qk norm", Component::norm, Phase::forward,
      Norm{.kind = NormKind::rmsnorm, .rows = s.tokens / s.cp, .width = width},
      {reads(qkv), reads(weight), writes(y),
       writes(builder.statistic({ModelPart::norm, TensorItem::qk_norm, TensorAspect::statistics}, 1))}));
  return y;
}

/// Emits norms of each q and k head. Their two weights of d elements are one tensor, end to end.
TensorId emit_qk_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv) {
  const BlockShapes& s = builder.shapes();
  if (builder.job().model.qk_norm_whole) return emit_whole_qk_norm(builder, block, group, qkv);
  const std::int64_t normed_heads = (s.heads + s.kv_heads) / s.tp;
  const TensorId weight = builder.weight(group, {ModelPart::norm, TensorItem::qk_norm, TensorAspect::weight},
                                         {{.name = DimName::flat, .size = 2 * s.head_dim}});
  const TensorId y = qkv_activation(builder, TensorItem::qkv_normed);
  Tensor stats = tensor_of({ModelPart::norm, TensorItem::qk_norm, TensorAspect::statistics});
  stats.dtype = DType::fp32;
  stats.dims = {{.name = DimName::tokens, .size = s.tokens, .cp = s.cp},
                cut_dim(DimName::heads, s.heads + s.kv_heads, s.tp, true)};
  const TensorId stats_id = builder.add(std::move(stats));
  block.ops.push_back(compute_op("qk norm", Component::norm, Phase::forward,
                                 Norm{.kind = NormKind::rmsnorm,
                                      .rows = s.tokens / s.cp * normed_heads,
                                      .width = s.head_dim,
                                      .heads = normed_heads,
                                      .query_heads = s.heads / s.tp},
                                 {reads(qkv), reads(weight), writes(y), writes(stats_id)}));
  return y;
}

TensorId head_square(ProgramBuilder& builder, const Meaning& meaning, DType type) {
  const BlockShapes& s = builder.shapes();
  Tensor tensor = tensor_of(meaning);
  tensor.dtype = type;
  tensor.dims = {cut_dim(DimName::heads, s.batch * s.heads, s.tp, true),
                 {.name = DimName::query, .size = s.sequence},
                 {.name = DimName::key, .size = s.sequence}};
  return builder.add(std::move(tensor));
}

}  // namespace

std::int64_t attention_window(const ProgramBuilder& builder) {
  const std::optional<std::int64_t> window = window_of(builder.kind().mixer);
  return window && *window < builder.shapes().sequence ? *window : 0;
}

std::optional<DocumentScores> packed_documents(const ProgramBuilder& builder) {
  const JobSpec& job = builder.job();
  if (!job.training.documents || !job.training.documents->packed) return std::nullopt;
  const auto tokens = static_cast<double>(
      checked_product(job.micro_batches(), job.training.micro_batch, job.training.sequence_length));
  return document_scores(*job.training.documents, {.sequence = builder.shapes().sequence,
                                                   .window = attention_window(builder),
                                                   .causal = job.model.causal,
                                                   .tokens_per_rank = tokens,
                                                   .ranks = job.parallelism.dp});
}

std::int64_t visible_keys(const ProgramBuilder& builder) {
  if (const auto documents = packed_documents(builder))
    return static_cast<std::int64_t>(std::ceil(documents->keys - 1e-6));
  const std::int64_t sequence = builder.shapes().sequence;
  const std::int64_t window = attention_window(builder);
  if (window == 0) return sequence;
  if (!builder.job().model.causal) return window;
  return 2 * window - checked_product(window, window) / sequence;
}

double score_imbalance(const ProgramBuilder& builder) {
  const auto documents = packed_documents(builder);
  return documents ? documents->imbalance : 1.0;
}

void exchange_cp(ProgramBuilder& builder, Block& block, const std::string& name, CollectiveKind kind,
                 TensorId from, TensorId to) {
  Op op = compute_op(name, Component::attention_core, Phase::forward,
                     Collective{.kind = kind,
                                .group = GroupKind::cp,
                                .reduction = Reduction::sum,
                                .payload = builder.tensor(to).local_bytes()},
                     {reads(from), writes(to)});
  op.lane = Lane::cp;
  op.pipelined = builder.job().training.overlap.cp;
  block.ops.push_back(std::move(op));
}

std::string gather_name(const ProgramBuilder& builder, const std::string& what) {
  return (builder.job().parallelism.cp_style == CpStyle::ring ? "ring " : "all-gather ") + what;
}

namespace {

/// The sizes of one rank's flash attention; context parallelism keeps all heads and a share of the queries.
Attention flash_sizes(const ProgramBuilder& builder) {
  const BlockShapes& s = builder.shapes();
  return {.batch = s.batch,
          .query = s.sequence / s.cp,
          .key = visible_keys(builder),
          .heads = s.heads / s.tp,
          .kv_heads = s.kv_heads / s.tp,
          .head_dim = s.head_dim,
          .v_head_dim = s.head_dim,
          .causal = builder.job().model.causal,
          .math = s.wide_math,
          .window = attention_window(builder),
          .imbalance = score_imbalance(builder)};
}

TensorId attention_statistic(ProgramBuilder& builder, bool heads_over_cp) {
  const BlockShapes& s = builder.shapes();
  Tensor lse = tensor_of({ModelPart::attention, TensorItem::core, TensorAspect::log_sum_exp});
  lse.dtype = DType::fp32;
  lse.dims = {{.name = DimName::tokens, .size = s.tokens, .cp = heads_over_cp ? 1 : s.cp},
              cut_dim(DimName::heads, s.heads, s.tp, true)};
  if (heads_over_cp) lse.dims[1].cp = s.cp;
  return builder.add(std::move(lse));
}

/// Ulysses (Jacobs et al. 2023, arXiv:2309.14509): all-to-alls turn a share of the tokens with all heads into
/// all tokens with a share of the heads, and back.
void emit_ulysses_core(ProgramBuilder& builder, Block& block, TensorId qkv, TensorId out,
                       const std::vector<Operand>& sinks) {
  const BlockShapes& s = builder.shapes();
  const auto by_heads = [&](TensorId like) {
    Tensor tensor = tensor_of(with(builder.tensor(like).meaning, TensorAspect::own_heads));
    tensor.dtype = builder.tensor(like).dtype;
    tensor.dims = builder.tensor(like).dims;
    tensor.column_sections = builder.tensor(like).column_sections;
    tensor.dims[0].cp = 1;
    tensor.dims[1].cp = s.cp;
    return builder.add(std::move(tensor));
  };
  const TensorId qkv_heads = by_heads(qkv);
  exchange_cp(builder, block, "all-to-all qkv", CollectiveKind::all_to_all, qkv, qkv_heads);
  const TensorId out_heads = by_heads(out);
  Attention attention = flash_sizes(builder);
  attention.query = s.sequence;
  attention.heads /= s.cp;
  attention.kv_heads /= s.cp;
  std::vector<Operand> operands{reads(qkv_heads)};
  operands.insert(operands.end(), sinks.begin(), sinks.end());
  operands.push_back(writes(out_heads));
  operands.push_back(writes(attention_statistic(builder, true)));
  block.ops.push_back(
      compute_op("attention", Component::attention_core, Phase::forward, attention, std::move(operands)));
  exchange_cp(builder, block, "all-to-all out", CollectiveKind::all_to_all, out_heads, out);
}

void emit_flash_core(ProgramBuilder& builder, Block& block, TensorId qkv, TensorId out,
                     const std::vector<Operand>& sinks) {
  const BlockShapes& s = builder.shapes();
  if (s.cp > 1 && builder.job().parallelism.cp_style == CpStyle::ulysses) {
    emit_ulysses_core(builder, block, qkv, out, sinks);
    return;
  }
  std::vector<Operand> operands{reads(qkv)};
  if (s.cp > 1) {
    // The keys and values of all cp ranks: passed around a ring one after the other, or gathered at once.
    Tensor kv = tensor_of({ModelPart::attention, TensorItem::kv, TensorAspect::all_ranks});
    kv.dtype = s.activation;
    kv.dims = {{.name = DimName::tokens, .size = s.tokens},
               cut_dim(DimName::qkv, 2 * s.kv_heads * s.head_dim, s.tp, true)};
    const TensorId full = builder.add(std::move(kv));
    exchange_cp(builder, block, gather_name(builder, "kv"), CollectiveKind::all_gather, qkv, full);
    operands.push_back(reads(full));
  }
  operands.insert(operands.end(), sinks.begin(), sinks.end());
  operands.push_back(writes(out));
  operands.push_back(writes(attention_statistic(builder, false)));
  block.ops.push_back(compute_op("attention", Component::attention_core, Phase::forward, flash_sizes(builder),
                                 std::move(operands)));
}

/// P = softmax(Q·Kᵀ), O = dropout(P)·V with the s × s matrices in memory.
void emit_unfused_core(ProgramBuilder& builder, Block& block, TensorId qkv, TensorId out) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t local_heads = s.batch * s.heads / s.tp;
  const std::int64_t square = checked_product(local_heads, s.sequence, s.sequence);
  const auto core = [&](std::string name, OpKind kind, std::vector<Operand> operands) {
    block.ops.push_back(
        compute_op(std::move(name), Component::attention_core, Phase::forward, kind, std::move(operands)));
  };

  const TensorId scores = head_square(builder, {ModelPart::attention, TensorItem::scores}, s.activation);
  core("scores",
       Gemm{.batch = local_heads,
            .m = s.sequence,
            .n = s.sequence,
            .k = s.head_dim,
            .math = s.wide_math,
            .transpose_b = true},
       {reads(qkv), reads(qkv), writes(scores)});
  TensorId weights = head_square(builder, {ModelPart::attention, TensorItem::probabilities}, s.activation);
  core("softmax", Pointwise{PointwiseKind::softmax, square}, {reads(scores), writes(weights)});
  if (builder.job().training.dropout) {
    const TensorId dropped =
        head_square(builder, {ModelPart::attention, TensorItem::dropped_probabilities}, s.activation);
    const TensorId mask =
        head_square(builder, {ModelPart::attention, TensorItem::core, TensorAspect::mask}, DType::uint8);
    core("attention dropout", Pointwise{PointwiseKind::dropout, square},
         {reads(weights), writes(dropped), writes(mask)});
    weights = dropped;
  }
  core("values",
       Gemm{.batch = local_heads, .m = s.sequence, .n = s.head_dim, .k = s.sequence, .math = s.wide_math},
       {reads(weights), reads(qkv), writes(out)});
}

}  // namespace

void emit_attention_core(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv,
                         TensorId out) {
  if (builder.job().training.attention == AttentionKind::flash) {
    const BlockShapes& s = builder.shapes();
    std::vector<Operand> sinks;
    if (attention_of(builder).sinks) {
      sinks.push_back(
          reads(builder.weight(group, {ModelPart::attention, TensorItem::sinks, TensorAspect::weight},
                               {cut_dim(DimName::heads, s.heads, s.tp, true)})));
    }
    emit_flash_core(builder, block, qkv, out, sinks);
  } else {
    emit_unfused_core(builder, block, qkv, out);
  }
}

namespace {

/// Emits q, k and v as one product, (the qk norm,) rope, and the attention core that writes `out`.
void emit_fused_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x,
                          TensorId out) {
  const BlockShapes& s = builder.shapes();
  const SoftmaxAttention& attention = attention_of(builder);
  TensorId qkv = emit_qkv(builder, block, group, x);
  if (attention.qk_norm) qkv = emit_qk_norm(builder, block, group, qkv);
  if (attention.rope) {
    block.ops.push_back(compute_op(
        "rope", Component::attention, Phase::forward,
        Rope{.tokens = s.tokens / s.cp, .heads = (s.heads + s.kv_heads) / s.tp, .head_dim = s.head_dim},
        {adds_to(qkv)}));
  }
  emit_attention_core(builder, block, group, qkv, out);
}

}  // namespace

void emit_attention(ProgramBuilder& builder, Block& block, WeightGroup& group) {
  const BlockShapes& s = builder.shapes();
  const ModelSpec& model = builder.job().model;
  const TensorId hidden = hidden_stream(builder);

  const TensorId normed =
      emit_norm(builder, block, group, "attention norm", TensorItem::attention_norm, reads(hidden));
  const auto* latent = std::get_if<LatentAttention>(&builder.kind().mixer);
  const std::int64_t width = s.heads * (latent != nullptr ? latent->sizes.v_head_dim : s.head_dim);
  const TensorId attended = builder.activation({ModelPart::attention, TensorItem::core, TensorAspect::output},
                                               DimName::flat, width, true);
  if (latent != nullptr) {
    emit_latent_attention(builder, block, group, normed, attended);
  } else {
    emit_fused_attention(builder, block, group, normed, attended);
  }

  const TensorId weight = builder.weight(
      group, {ModelPart::attention, TensorItem::out, TensorAspect::weight},
      {{.name = DimName::hidden, .size = s.hidden}, cut_dim(DimName::flat, width, s.tp, true)});
  std::optional<TensorId> bias;
  if (model.biases == Biases::attention || model.biases == Biases::all) {
    bias = builder.weight(group, {ModelPart::attention, TensorItem::out, TensorAspect::bias},
                          {{.name = DimName::hidden, .size = s.hidden}});
  }
  TensorId out =
      builder.activation({ModelPart::attention, TensorItem::out}, DimName::hidden, s.hidden, false);
  if (s.tp > 1) builder.tensor(out).partial = GroupKind::tp;
  emit_linear(builder, block, group,
              {"out", Component::attention, s.layer_math, reads(attended), weight, out, bias});
  if (s.tp > 1) {
    block.ops.push_back(
        all_reduce_tp(builder, "all-reduce out", Component::attention, Phase::forward, reads(out)));
  }
  if (model.norms_per_layer == 4) {
    out =
        emit_norm(builder, block, group, "attention post norm", TensorItem::attention_post_norm, reads(out));
  }
  // If no FFN follows, the output of attention is the input of the next layer.
  const Operand after = has_ffn(builder.kind())
                            ? writes(builder.activation(kMidStream, DimName::hidden, s.hidden, false))
                            : writes(hidden, 1);
  emit_residual(builder, block, "attention residual", TensorItem::attention_dropout, reads(hidden),
                reads(out), after);
}

}  // namespace foreshard
