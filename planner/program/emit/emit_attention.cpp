#include <algorithm>
#include <cmath>
#include <numeric>

#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/ops/scan_flops.hpp"

namespace foreshard {

namespace {

/// Columns of q, k and v; kv heads are repeated up to tp.
std::vector<std::int64_t> qkv_sections(const BlockShapes& s) {
  return {s.heads * s.head_dim, s.kv_heads * s.head_dim, s.kv_heads * s.v_head_dim};
}

std::int64_t sum_of(const std::vector<std::int64_t>& sections) {
  return std::accumulate(sections.begin(), sections.end(), std::int64_t{0});
}

/// The attention of the current layer kind. @pre it is softmax attention
const SoftmaxAttention& attention_of(const ProgramBuilder& builder) {
  return std::get<SoftmaxAttention>(builder.kind().mixer);
}

/// Rows of the fused projection: those of q, k and v; of q and k where keys serve as values too.
std::vector<std::int64_t> projected_sections(const ProgramBuilder& builder) {
  std::vector<std::int64_t> sections = qkv_sections(builder.shapes());
  if (attention_of(builder).options.values_are_keys) sections.pop_back();
  return sections;
}

/// A (T, q + k + v) activation with these sections, its columns cut over tp.
TensorId qkv_activation(ProgramBuilder& builder, TensorItem item, std::vector<std::int64_t> sections) {
  const BlockShapes& s = builder.shapes();
  Tensor qkv = tensor_of({ModelPart::attention, item});
  qkv.dtype = s.activation;
  qkv.dims = {{.name = DimName::tokens, .size = s.tokens, .cp = s.cp},
              cut_dim(DimName::qkv, sum_of(sections), s.tp, true)};
  qkv.column_sections = std::move(sections);
  return builder.add(std::move(qkv));
}

TensorId emit_qkv(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  const BlockShapes& s = builder.shapes();
  const std::vector<std::int64_t> sections = projected_sections(builder);
  const std::int64_t kv_width = sum_of(sections) - sections.front();
  const std::int64_t repeated_rows = kv_width / s.kv_heads * (s.kv_heads - attention_of(builder).kv_heads);
  const Dim rows = cut_dim(DimName::qkv, sum_of(sections), s.tp, true);
  const TensorId weight =
      builder.weight(group, {ModelPart::attention, TensorItem::qkv, TensorAspect::weight},
                     {rows, {.name = DimName::hidden, .size = s.hidden}}, sections, repeated_rows * s.hidden);
  std::optional<TensorId> bias;
  if (builder.job().model.biases != Biases::none) {
    bias = builder.weight(group, {ModelPart::attention, TensorItem::qkv, TensorAspect::bias}, {rows},
                          sections, repeated_rows);
  }
  const TensorId qkv = qkv_activation(builder, TensorItem::qkv, sections);
  emit_linear(builder, block, group,
              {"qkv", Component::attention, s.layer_math, reads(x), weight, qkv, bias});
  return qkv;
}

/// Emits norms over all of q and over all of k: two statistics for each row. Their weights are one tensor, end to end.
TensorId emit_whole_qk_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t width = (s.heads + s.kv_heads) * s.head_dim;
  const TensorId weight = builder.weight(group, {ModelPart::norm, TensorItem::qk_norm, TensorAspect::weight},
                                         {{.name = DimName::flat, .size = width}});
  const TensorId y = qkv_activation(builder, TensorItem::qkv_normed, qkv_sections(s));
  block.ops.push_back(compute_op(
      "qk norm", Component::norm, Phase::forward,
      Norm{.kind = NormKind::rmsnorm, .rows = s.tokens / s.cp, .width = width},
      {reads(qkv), reads(weight), writes(y),
       writes(builder.statistic({ModelPart::norm, TensorItem::qk_norm, TensorAspect::statistics}, 2))}));
  return y;
}

/// Emits norms of each q and k head. Their two weights of d elements are one tensor, end to end.
TensorId emit_qk_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv) {
  const BlockShapes& s = builder.shapes();
  if (builder.job().model.qk_norm_whole) return emit_whole_qk_norm(builder, block, group, qkv);
  // Values are normalised without weights. Where they are keys, the same kernel makes both out of one.
  const AttentionOptions& options = attention_of(builder).options;
  const std::int64_t value_heads = options.v_norm && !options.values_are_keys ? s.kv_heads : 0;
  const std::int64_t normed_heads = (s.heads + s.kv_heads + value_heads) / s.tp;
  const TensorId weight = builder.weight(group, {ModelPart::norm, TensorItem::qk_norm, TensorAspect::weight},
                                         {{.name = DimName::flat, .size = 2 * s.head_dim}});
  const TensorId y = qkv_activation(builder, TensorItem::qkv_normed, qkv_sections(s));
  Tensor stats = tensor_of({ModelPart::norm, TensorItem::qk_norm, TensorAspect::statistics});
  stats.dtype = DType::fp32;
  stats.dims = {{.name = DimName::tokens, .size = s.tokens, .cp = s.cp},
                cut_dim(DimName::heads, s.heads + s.kv_heads + value_heads, s.tp, true)};
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

std::optional<std::int64_t> even_document(const DocumentsSpec& documents, std::int64_t sequence) {
  if (!documents.packed || documents.lengths.size() != 1) return std::nullopt;
  const auto length = static_cast<std::int64_t>(documents.lengths.front());
  const bool is_whole = static_cast<double>(length) == documents.lengths.front();
  if (!is_whole || length < 1 || sequence % length != 0) return std::nullopt;
  return length;
}

std::int64_t attention_chunk(const ProgramBuilder& builder) {
  const std::int64_t sequence = builder.shapes().sequence;
  const std::int64_t chunk = chunk_of(builder.kind().mixer).value_or(sequence);
  const std::optional<DocumentsSpec>& documents = builder.job().training.documents;
  const std::int64_t document = documents ? even_document(*documents, sequence).value_or(sequence) : sequence;
  const std::int64_t shorter = std::min(chunk, document);
  return shorter < sequence ? shorter : 0;
}

std::vector<std::int64_t> listed_documents(const ProgramBuilder& builder) {
  const std::optional<DocumentsSpec>& documents = builder.job().training.documents;
  const std::int64_t sequence = builder.shapes().sequence;
  if (!documents || !documents->packed || documents->drawn) return {};
  if (documents->lengths.front() >= static_cast<double>(sequence) || even_document(*documents, sequence))
    return {};
  return {documents->lengths.begin(), documents->lengths.end()};
}

std::int64_t chosen_keys(const ProgramBuilder& builder) {
  const std::optional<Indexer> indexer = indexer_of(builder.kind().mixer);
  return indexer ? std::min(indexer->top_k, builder.shapes().sequence) : 0;
}

std::int64_t visible_keys(const ProgramBuilder& builder) {
  if (const auto documents = packed_documents(builder))
    return static_cast<std::int64_t>(std::ceil(documents->keys - 1e-6));
  std::int64_t sequence = builder.shapes().sequence;
  if (const std::int64_t chunk = attention_chunk(builder); chunk > 0) return chunk_keys(chunk, sequence);
  for (const std::int64_t most : {attention_window(builder), chosen_keys(builder)}) {
    if (most > 0)
      sequence =
          std::min(sequence, selected_keys(most, builder.shapes().sequence, builder.job().model.causal));
  }
  return sequence;
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
          .v_head_dim = s.v_head_dim,
          .causal = builder.job().model.causal,
          .math = s.wide_math,
          .window = attention_window(builder),
          .chunk = attention_chunk(builder),
          .documents = listed_documents(builder),
          .selected = chosen_keys(builder),
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
                       const std::vector<Operand>& further) {
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
  operands.insert(operands.end(), further.begin(), further.end());
  operands.push_back(writes(out_heads));
  operands.push_back(writes(attention_statistic(builder, true)));
  block.ops.push_back(
      compute_op("attention", Component::attention_core, Phase::forward, attention, std::move(operands)));
  exchange_cp(builder, block, "all-to-all out", CollectiveKind::all_to_all, out_heads, out);
}

void emit_flash_core(ProgramBuilder& builder, Block& block, TensorId qkv, TensorId out,
                     const std::vector<Operand>& further) {
  const BlockShapes& s = builder.shapes();
  if (s.cp > 1 && builder.job().parallelism.cp_style == CpStyle::ulysses) {
    emit_ulysses_core(builder, block, qkv, out, further);
    return;
  }
  std::vector<Operand> operands{reads(qkv)};
  if (s.cp > 1) {
    // The keys and values of all cp ranks: passed around a ring one after the other, or gathered at once.
    Tensor kv = tensor_of({ModelPart::attention, TensorItem::kv, TensorAspect::all_ranks});
    kv.dtype = s.activation;
    kv.dims = {{.name = DimName::tokens, .size = s.tokens},
               cut_dim(DimName::qkv, s.kv_heads * (s.head_dim + s.v_head_dim), s.tp, true)};
    const TensorId full = builder.add(std::move(kv));
    exchange_cp(builder, block, gather_name(builder, "kv"), CollectiveKind::all_gather, qkv, full);
    operands.push_back(reads(full));
  }
  operands.insert(operands.end(), further.begin(), further.end());
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
       Gemm{.batch = local_heads, .m = s.sequence, .n = s.v_head_dim, .k = s.sequence, .math = s.wide_math},
       {reads(weights), reads(qkv), writes(out)});
}

}  // namespace

void emit_attention_core(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId qkv,
                         TensorId out, std::vector<Operand> further) {
  if (builder.job().training.attention == AttentionKind::flash) {
    const BlockShapes& s = builder.shapes();
    if (attention_of(builder).sinks) {
      further.push_back(
          reads(builder.weight(group, {ModelPart::attention, TensorItem::sinks, TensorAspect::weight},
                               {cut_dim(DimName::heads, s.heads, s.tp, true)})));
    }
    emit_flash_core(builder, block, qkv, out, further);
  } else {
    emit_unfused_core(builder, block, qkv, out);
  }
}

namespace {

/// Rope on the columns of q and k, or on the last `rotary_dim` of each head.
void emit_rope(ProgramBuilder& builder, Block& block, TensorId qkv) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t rotated = attention_of(builder).options.rotary_dim.value_or(s.head_dim);
  block.ops.push_back(compute_op("rope", Component::attention, Phase::forward,
                                 Rope{.tokens = s.tokens / s.cp,
                                      .heads = (s.heads + s.kv_heads) / s.tp,
                                      .head_dim = rotated,
                                      .head_stride = rotated == s.head_dim ? 0 : s.head_dim},
                                 {adds_to(qkv)}));
}

}  // namespace

Mixed emit_softmax_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  const BlockShapes& s = builder.shapes();
  const SoftmaxAttention attention = attention_of(builder);
  const Biases biases = builder.job().model.biases;
  Mixed mixed{.width = s.heads * s.v_head_dim,
              .has_bias = biases == Biases::attention || biases == Biases::all};
  mixed.rows = builder.activation({ModelPart::attention, TensorItem::core, TensorAspect::output},
                                  DimName::flat, mixed.width, true);
  TensorId qkv = emit_qkv(builder, block, group, x);
  if (attention.qk_norm) qkv = emit_qk_norm(builder, block, group, qkv);
  if (attention.rope) emit_rope(builder, block, qkv);
  std::vector<Operand> choice;
  if (attention.options.indexer) choice = choice_of(builder, block, group, *attention.options.indexer, x, x);
  emit_attention_core(builder, block, group, qkv, mixed.rows, std::move(choice));
  mixed.rows = emit_output_gate(builder, block, group, attention.options.gate, x, mixed);
  return mixed;
}

}  // namespace foreshard
