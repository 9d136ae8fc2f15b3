#include <algorithm>

#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/ops/scan_flops.hpp"

namespace foreshard {

namespace {

/// The attention of DeepSeek-V4 (arXiv:2606.19348, section 2.3; its model code, and Megatron-LM's
/// deepseek_v4_hybrid_attention.py and csa.py), with A heads of width d:
///   c = norm(x·W_q_downᵀ)   q = rope(c·W_q_upᵀ / rms of each head)    (T, A·d)
///   k = rope(norm(x·W_kvᵀ))                                           (T, d): keys, and the values too
///   compressed keys (T/r, d): rope(norm(Σ softmax(x·W_gateᵀ + bias) ∘ x·W_kvᵀ)) over r tokens; with an indexer over
///   2·r, of which the first half comes from columns of its own of the r tokens before
///   o = core(q, keys of the window, compressed keys), turned back by rope
///   each of g groups of heads: o_g·W_o_downᵀ (A·d/g to the output's rank), then the output product
/// The indexer makes compressed keys of its own, and queries from c.
class CompressedEmitter {
 public:
  CompressedEmitter(ProgramBuilder& builder, Block& block, WeightGroup& group)
      : builder_(builder),
        block_(block),
        group_(group),
        s_(builder.shapes()),
        mixer_(std::get<CompressedAttention>(builder.kind().mixer)) {}

  Mixed run(TensorId x) {
    const CompressedSizes& sizes = mixer_.sizes;
    const TensorId kv = keys(x);
    std::vector<Operand> inputs{reads(kv)};
    if (s_.cp > 1) inputs.push_back(reads(rows_before(kv)));
    if (has_compression())
      inputs.push_back(reads(compressed(x, {ModelPart::attention, mixer_.head_dim, "compressed"})));
    const Meaning q_norm{ModelPart::norm, TensorItem::q_norm};
    const TensorId c =
        norm("q norm", q_norm, product("q_down", {ModelPart::mla, TensorItem::q_down}, x, sizes.q_rank));
    if (mixer_.indexer) inputs.push_back(reads(choice(x, c)));
    inputs.insert(inputs.begin(), reads(queries(c)));
    inputs.push_back(
        reads(builder_.weight(group_, {ModelPart::attention, TensorItem::sinks, TensorAspect::weight},
                              {{.name = DimName::heads, .size = s_.heads}})));
    const std::int64_t width = mixer_.heads * mixer_.head_dim;
    const TensorId out = builder_.activation({ModelPart::attention, TensorItem::core, TensorAspect::output},
                                             DimName::flat, width, false);
    attend(std::move(inputs), out);
    rotate("rope back", out, Component::attention_core, mixer_.heads, mixer_.head_dim);
    return {.rows = grouped(out), .width = sizes.output_groups * sizes.output_rank};
  }

 private:
  /// What a compressor makes: for attention or for the indexer, of which width.
  struct Compressor {
    ModelPart part;
    std::int64_t width;
    const char* name;
  };

  [[nodiscard]] bool has_compression() const { return mixer_.compression > 0; }
  [[nodiscard]] std::int64_t compressed_keys() const { return s_.sequence / mixer_.compression; }

  TensorId queries(TensorId c) {
    const std::int64_t width = mixer_.heads * mixer_.head_dim;
    const TensorId q = product("q_up", {ModelPart::mla, TensorItem::q_up}, c, width);
    const Meaning normed{ModelPart::attention, TensorItem::q_normed};
    const TensorId y = builder_.activation(normed, DimName::qkv, width, false);
    const TensorId rms = builder_.statistic(with(normed, TensorAspect::statistics), mixer_.heads);
    block_.ops.push_back(compute_op("q head norm", Component::norm, Phase::forward,
                                    Pointwise{PointwiseKind::unit_rows, builder_.tensor(q).local_elements()},
                                    {reads(q), writes(y), writes(rms)}));
    rotate("rope", y, Component::attention, mixer_.heads, mixer_.head_dim);
    return y;
  }

  /// Tokens of a sequence on this rank, in one range.
  [[nodiscard]] std::int64_t positions() const { return s_.sequence / s_.cp; }
  [[nodiscard]] std::int64_t window() const {
    return std::min(mixer_.window.value_or(s_.sequence), s_.sequence);
  }

  /// The keys of the tokens before this rank's, as many as the window has: from the rank before.
  TensorId rows_before(TensorId kv) {
    Tensor rows = tensor_of({ModelPart::mla, TensorItem::kv, TensorAspect::all_ranks});
    rows.dtype = s_.activation;
    rows.dims = {{.name = DimName::tokens, .size = checked_product(s_.batch, window(), s_.cp), .cp = s_.cp},
                 {.name = DimName::flat, .size = mixer_.head_dim}};
    const TensorId id = builder_.add(std::move(rows));
    exchange_cp(builder_, block_, "send window", CollectiveKind::all_to_all, kv, id);
    return id;
  }

  /// The compressed keys of all cp ranks. (With overlap a rank also needs its neighbour's last few tokens, which is too
  /// little to count.)
  TensorId all_keys(TensorId own, const Compressor& what) {
    if (s_.cp == 1) return own;
    Tensor full = tensor_of({what.part, TensorItem::compressed_norm, TensorAspect::all_ranks});
    full.dtype = builder_.tensor(own).dtype;
    full.dims = builder_.tensor(own).dims;
    full.dims[0].cp = 1;
    const TensorId id = builder_.add(std::move(full));
    exchange_cp(builder_, block_, gather_name(builder_, what.name), CollectiveKind::all_gather, own, id);
    return id;
  }

  TensorId keys(TensorId x) {
    const TensorId kv = product("kv", {ModelPart::attention, TensorItem::kv}, x, mixer_.head_dim);
    const TensorId y = norm("kv norm", {ModelPart::norm, TensorItem::kv_norm}, kv);
    rotate("rope k", y, Component::attention, 1, mixer_.head_dim);
    return y;
  }

  /// x (T, D) → compressed keys (T/r, width).
  TensorId compressed(TensorId x, const Compressor& what) {
    const std::int64_t columns = (mixer_.indexer ? 2 : 1) * what.width;
    const std::string name = what.name;
    const TensorId kv = product(name + " kv", {what.part, TensorItem::compressed_kv}, x, columns);
    const TensorId gate = product(name + " gate", {what.part, TensorItem::compressed_gate}, x, columns);
    const TensorId bias = builder_.weight(
        group_, {what.part, TensorItem::compressed_gate, TensorAspect::bias},
        {{.name = DimName::flat, .size = mixer_.compression}, {.name = DimName::flat, .size = columns}});
    const TensorId pooled =
        rows(with({what.part, TensorItem::compressed_kv}, TensorAspect::output), what.width);
    block_.ops.push_back(compute_op(name + " pool", Component::attention, Phase::forward,
                                    Pointwise{PointwiseKind::pool, builder_.tensor(kv).local_elements()},
                                    {reads(kv), reads(gate), reads(bias), writes(pooled)}));
    const TensorId y = norm(name + " norm", {what.part, TensorItem::compressed_norm}, pooled);
    rotate("rope " + name, y, Component::attention, 1, what.width);
    return all_keys(y, what);
  }

  /// The compressed keys that each query sees, (T, top_k) numbers.
  TensorId choice(TensorId x, TensorId c) {
    const Indexer& indexer = *mixer_.indexer;
    const TensorId q =
        product("index q", {ModelPart::indexer, TensorItem::index_q}, c, indexer.heads * indexer.head_dim);
    rotate("rope index q", q, Component::attention, indexer.heads, indexer.head_dim);
    const TensorId k = compressed(x, {ModelPart::indexer, indexer.head_dim, "index k"});
    const TensorId weights =
        product("index weights", {ModelPart::indexer, TensorItem::index_weights}, x, indexer.heads);
    Tensor choice = tensor_of({ModelPart::indexer, TensorItem::choice});
    choice.dtype = DType::int32;
    choice.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp},
                   {.name = DimName::key, .size = chosen()}};
    const TensorId chosen_keys = builder_.add(std::move(choice));
    block_.ops.push_back(compute_op("index scores", Component::attention_core, Phase::forward,
                                    IndexScores{.batch = s_.batch,
                                                .query = positions(),
                                                .key = compressed_keys(),
                                                .heads = indexer.heads,
                                                .head_dim = indexer.head_dim,
                                                .selected = chosen(),
                                                .causal = builder_.job().model.causal,
                                                .target_heads = mixer_.heads,
                                                .target_dim = mixer_.head_dim,
                                                .math = s_.activation},
                                    {reads(q), reads(k), reads(weights), writes(chosen_keys)}));
    return chosen_keys;
  }

  /// The compressed keys that a query sees at most.
  [[nodiscard]] std::int64_t chosen() const {
    if (!has_compression()) return 0;
    return mixer_.indexer ? std::min(mixer_.indexer->top_k, compressed_keys()) : compressed_keys();
  }

  /// All keys of a query are gathered by number, those of the window too.
  void attend(std::vector<Operand> operands, TensorId out) {
    const bool causal = builder_.job().model.causal;
    const std::int64_t of_window = selected_keys(window(), s_.sequence, causal);
    const std::int64_t of_compressed =
        has_compression() ? selected_keys(chosen(), compressed_keys(), causal) : 0;
    const Attention core{.batch = s_.batch,
                         .query = positions(),
                         .key = of_window + of_compressed,
                         .heads = mixer_.heads,
                         .kv_heads = 1,
                         .head_dim = mixer_.head_dim,
                         .v_head_dim = mixer_.head_dim,
                         .causal = causal,
                         .math = s_.wide_math,
                         .window = window() < s_.sequence ? window() : 0,
                         .selected = window() + chosen(),
                         .key_layout = KeyLayout::latent};
    Tensor lse = tensor_of({ModelPart::attention, TensorItem::core, TensorAspect::log_sum_exp});
    lse.dtype = DType::fp32;
    lse.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp},
                {.name = DimName::heads, .size = s_.heads}};
    operands.push_back(writes(out));
    operands.push_back(writes(builder_.add(std::move(lse))));
    block_.ops.push_back(
        compute_op("attention", Component::attention_core, Phase::forward, core, std::move(operands)));
  }

  /// One product for each group of heads.
  TensorId grouped(TensorId out) {
    const CompressedSizes& sizes = mixer_.sizes;
    const std::int64_t in = mixer_.heads * mixer_.head_dim / sizes.output_groups;
    const std::int64_t columns = sizes.output_groups * sizes.output_rank;
    const TensorId weight =
        builder_.weight(group_, {ModelPart::mla, TensorItem::o_down, TensorAspect::weight},
                        {{.name = DimName::flat, .size = columns}, {.name = DimName::flat, .size = in}});
    const TensorId y =
        builder_.activation({ModelPart::mla, TensorItem::o_down}, DimName::flat, columns, false);
    block_.ops.push_back(compute_op("o_down", Component::attention, Phase::forward,
                                    Gemm{.batch = sizes.output_groups,
                                         .m = s_.tokens / s_.cp,
                                         .n = sizes.output_rank,
                                         .k = in,
                                         .math = s_.activation,
                                         .transpose_b = true},
                                    {reads(out), reads(weight), writes(y)}));
    return y;
  }

  /// A (T/r, width) activation: one row for each compressed key.
  TensorId rows(const Meaning& meaning, std::int64_t width) {
    Tensor tensor = tensor_of(meaning);
    tensor.dtype = s_.activation;
    tensor.dims = {
        {.name = DimName::tokens, .size = checked_product(s_.batch, compressed_keys()), .cp = s_.cp},
        {.name = DimName::flat, .size = width}};
    return builder_.add(std::move(tensor));
  }

  TensorId product(const std::string& name, const Meaning& meaning, TensorId x, std::int64_t columns) {
    const std::int64_t in = builder_.tensor(x).dims[1].size;
    const TensorId weight =
        builder_.weight(group_, with(meaning, TensorAspect::weight),
                        {{.name = DimName::flat, .size = columns}, {.name = DimName::flat, .size = in}});
    const TensorId y = builder_.activation(meaning, DimName::flat, columns, false);
    // An indexer's products stay in the wider precision.
    const DType math = meaning.part == ModelPart::indexer ? s_.activation : s_.layer_math;
    emit_linear(builder_, block_, group_, {name, Component::attention, math, reads(x), weight, y});
    return y;
  }

  /// An RMSNorm of each row of x.
  TensorId norm(const std::string& name, const Meaning& meaning, TensorId x) {
    const std::vector<Dim> dims = builder_.tensor(x).dims;
    Tensor normed = tensor_of(with(meaning, TensorAspect::output));
    normed.dtype = s_.activation;
    normed.dims = dims;
    const TensorId y = builder_.add(std::move(normed));
    Tensor statistics = tensor_of(with(meaning, TensorAspect::statistics));
    statistics.dtype = DType::fp32;
    statistics.dims = {dims[0]};
    const TensorId rms = builder_.add(std::move(statistics));
    const TensorId weight = builder_.weight(group_, with(meaning, TensorAspect::weight),
                                            {{.name = DimName::flat, .size = dims[1].size}});
    block_.ops.push_back(
        compute_op(name, Component::norm, Phase::forward,
                   Norm{.kind = NormKind::rmsnorm, .rows = dims[0].local(), .width = dims[1].local()},
                   {reads(x), reads(weight), writes(y), writes(rms)}));
    return y;
  }

  /// Rope on the last columns of each head; heads are `stride` columns apart.
  void rotate(const std::string& name, TensorId x, Component component, std::int64_t heads,
              std::int64_t stride) {
    const std::int64_t columns = std::min(mixer_.sizes.rope_head_dim, stride);
    if (columns == 0) return;
    block_.ops.push_back(compute_op(name, component, Phase::forward,
                                    Rope{.tokens = builder_.tensor(x).dims[0].local(),
                                         .heads = heads,
                                         .head_dim = columns,
                                         .head_stride = columns == stride ? 0 : stride},
                                    {adds_to(x)}));
  }

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  const BlockShapes& s_;
  const CompressedAttention& mixer_;
};

}  // namespace

Mixed emit_compressed_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  return CompressedEmitter(builder, block, group).run(x);
}

}  // namespace foreshard
