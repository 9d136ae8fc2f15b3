#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// Multi-head latent attention, training form (DeepSeek-V2, arXiv:2405.04434, section 2.1):
///   c_kv = norm(x·W_kv_downᵀ)   [k, v] = c_kv·W_kv_upᵀ   (A heads of nope and v)
///   k_rope = x·W_k_ropeᵀ                                 (one head that all share)
///   c_q = norm(x·W_q_downᵀ)     q = c_q·W_q_upᵀ          (A heads of nope + rope; q = x·W_q_upᵀ where q_rank
///   is 0)
/// The weights of the down products are small and replicated over tp; those of the up products are cut by
/// heads. q comes last in forward, so backward starts with it: a partial sum in x's gradient (if q_rank is 0)
/// is all-reduced before the gradients of the replicated down products are added (gradient_book.hpp).
class LatentEmitter {
 public:
  LatentEmitter(ProgramBuilder& builder, Block& block, WeightGroup& group)
      : builder_(builder),
        block_(block),
        group_(group),
        s_(builder.shapes()),
        mixer_(std::get<LatentAttention>(builder.kind().mixer)),
        mla_(mixer_.sizes) {}

  Mixed run(TensorId x) {
    Mixed mixed{.width = s_.heads * mla_.v_head_dim};
    mixed.rows = builder_.activation({ModelPart::attention, TensorItem::core, TensorAspect::output},
                                     DimName::flat, mixed.width, true);
    mixer_.indexer ? run_on_latents(x, mixed.rows) : run_on_heads(x, mixed.rows);
    mixed.rows = emit_output_gate(builder_, block_, group_, mixer_.gate, x, mixed);
    return mixed;
  }

 private:
  /// Keys and values of all heads, made of the latents.
  void run_on_heads(TensorId x, TensorId out) {
    const TensorId latents = latent(kKeys, mla_.kv_rank, x);
    const TensorId kv = product({TensorItem::kv_up, "kv_up"}, latents,
                                s_.heads * (mla_.nope_head_dim + mla_.v_head_dim), mla_.kv_rank, true);
    std::vector<Operand> keys;
    if (mla_.rope_head_dim > 0) keys.push_back(reads(shared_key(x)));
    const TensorId q = queries(x, query_input(x));
    keys.insert(keys.begin(), {reads(q), reads(over_cp(kv, TensorItem::kv, "kv"))});
    attend(heads_core(), std::move(keys), out);
  }

  /// The form in which an indexer chooses the keys: a token has one key and value for all heads, its latent (and
  /// the rotary key), and the up products are applied to queries and outputs. Each head's product of nope
  /// queries with the keys' half of kv_up, and of outputs with the values' half, takes as many FLOPs as kv_up.
  void run_on_latents(TensorId x, TensorId out) {
    const TensorId latents = latent(kKeys, mla_.kv_rank, x);
    std::vector<Operand> keys{reads(over_cp(latents, TensorItem::kv, "latents"))};
    if (mla_.rope_head_dim > 0) keys.push_back(reads(shared_key(x)));
    const TensorId q_in = query_input(x);
    std::vector<Operand> choice = choice_of(builder_, block_, group_, *mixer_.indexer, x, q_in);
    const TensorId q = queries(x, q_in);
    const TensorId absorbed = per_head({TensorItem::k_up, "k_up"}, q, TensorItem::q_absorbed,
                                       mla_.nope_head_dim, mla_.kv_rank, false);
    std::vector<Operand> operands{reads(q), reads(absorbed)};
    operands.insert(operands.end(), keys.begin(), keys.end());
    operands.insert(operands.end(), choice.begin(), choice.end());
    const TensorId mixed = builder_.activation({ModelPart::mla, TensorItem::o_absorbed}, DimName::qkv,
                                               s_.heads * mla_.kv_rank, true);
    attend(latent_core(), std::move(operands), mixed);
    emit_per_head({TensorItem::v_up, "v_up"}, mixed, out, mla_.v_head_dim, mla_.kv_rank, true);
  }

  /// The rotary key that all heads share.
  TensorId shared_key(TensorId x) {
    const TensorId k_rope = product({TensorItem::k_rope, "k_rope"}, x, mla_.rope_head_dim, s_.hidden, false);
    if (mixer_.rope) rotate("rope k", k_rope, 1, mla_.rope_head_dim);
    return over_cp(k_rope, TensorItem::k_rope, "k_rope");
  }

  TensorId query_input(TensorId x) { return mla_.q_rank > 0 ? latent(kQueries, mla_.q_rank, x) : x; }

  TensorId queries(TensorId x, TensorId q_in) {
    const std::int64_t head = mla_.nope_head_dim + mla_.rope_head_dim;
    const TensorId q =
        product({TensorItem::q_up, "q_up"}, q_in, s_.heads * head, q_in == x ? s_.hidden : mla_.q_rank, true);
    if (mla_.rope_head_dim > 0 && mixer_.rope) rotate("rope", q, s_.heads / s_.tp, head);
    return q;
  }

  [[nodiscard]] Attention heads_core() const {
    return {.batch = s_.batch,
            .query = s_.sequence / s_.cp,
            .key = visible_keys(builder_),
            .heads = s_.heads / s_.tp,
            .kv_heads = s_.heads / s_.tp,
            .head_dim = mla_.nope_head_dim + mla_.rope_head_dim,
            .v_head_dim = mla_.v_head_dim,
            .causal = builder_.job().model.causal,
            .math = s_.wide_math,
            .window = attention_window(builder_),
            .shared_dim = mla_.rope_head_dim,
            .key_layout = KeyLayout::by_head,
            .imbalance = score_imbalance(builder_)};
  }

  [[nodiscard]] Attention latent_core() const {
    Attention core = heads_core();
    core.kv_heads = 1;
    core.head_dim = mla_.kv_rank + mla_.rope_head_dim;
    core.v_head_dim = mla_.kv_rank;
    core.selected = chosen_keys(builder_);
    core.key_layout = KeyLayout::latent;
    return core;
  }

  void attend(const Attention& core, std::vector<Operand> operands, TensorId out) {
    Tensor lse = tensor_of({ModelPart::attention, TensorItem::core, TensorAspect::log_sum_exp});
    lse.dtype = DType::fp32;
    lse.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp},
                cut_dim(DimName::heads, s_.heads, s_.tp, true)};
    operands.push_back(writes(out));
    operands.push_back(writes(builder_.add(std::move(lse))));
    block_.ops.push_back(
        compute_op("attention", Component::attention_core, Phase::forward, core, std::move(operands)));
  }

  /// Gathers the keys or values of all cp ranks' tokens.
  TensorId over_cp(TensorId own, TensorItem item, const std::string& name) {
    if (s_.cp == 1) return own;
    Tensor full = tensor_of({ModelPart::mla, item, TensorAspect::all_ranks});
    full.dtype = builder_.tensor(own).dtype;
    full.dims = builder_.tensor(own).dims;
    full.dims[0].cp = 1;
    const TensorId id = builder_.add(std::move(full));
    exchange_cp(builder_, block_, gather_name(builder_, name), CollectiveKind::all_gather, own, id);
    return id;
  }

  /// Rope on the last columns of each head; heads are `stride` columns apart.
  void rotate(const std::string& name, TensorId x, std::int64_t heads, std::int64_t stride) {
    block_.ops.push_back(compute_op(name, Component::attention, Phase::forward,
                                    Rope{.tokens = s_.tokens / s_.cp,
                                         .heads = heads,
                                         .head_dim = mla_.rope_head_dim,
                                         .head_stride = stride == mla_.rope_head_dim ? 0 : stride},
                                    {adds_to(x)}));
  }

  /// One projection, with the name of its operations.
  struct Projection {
    TensorItem item;
    std::string name;
  };
  /// The items that make latents: the down product, and the norm after it.
  struct Latents {
    TensorItem down;
    TensorItem norm;
    const char* name;
  };
  static constexpr Latents kKeys{TensorItem::kv_down, TensorItem::kv_norm, "kv"};
  static constexpr Latents kQueries{TensorItem::q_down, TensorItem::q_norm, "q"};

  /// x → norm(x·W_downᵀ), `rank` columns.
  TensorId latent(const Latents& which, std::int64_t rank, TensorId x) {
    const std::string name = which.name;
    const TensorId down = product({which.down, name + "_down"}, x, rank, s_.hidden, false);
    const Meaning norm{ModelPart::norm, which.norm};
    const TensorId y = builder_.activation(with(norm, TensorAspect::output), DimName::flat, rank, false);
    const TensorId weight =
        builder_.weight(group_, with(norm, TensorAspect::weight), {{.name = DimName::flat, .size = rank}});
    const TensorId stats = builder_.statistic(with(norm, TensorAspect::statistics), 1);
    block_.ops.push_back(
        compute_op(name + " norm", Component::norm, Phase::forward,
                   Norm{.kind = NormKind::rmsnorm, .rows = builder_.tensor(y).dims[0].local(), .width = rank},
                   {reads(down), reads(weight), writes(y), writes(stats)}));
    return y;
  }

  TensorId product(const Projection& to, TensorId x, std::int64_t columns, std::int64_t rows, bool cut) {
    const DimName dim = cut ? DimName::qkv : DimName::flat;
    const TensorId weight =
        builder_.weight(group_, {ModelPart::mla, to.item, TensorAspect::weight},
                        {cut_dim(dim, columns, s_.tp, cut), {.name = DimName::flat, .size = rows}});
    const TensorId y = builder_.activation({ModelPart::mla, to.item}, dim, columns, cut);
    emit_linear(builder_, block_, group_,
                {to.name, Component::attention, s_.layer_math, reads(x), weight, y});
    return y;
  }

  /// One product for each head of this rank: y (T, A·to) = x (T, A·from)·W. The weight has `outer` rows of kv_rank
  /// columns for each head.
  void emit_per_head(const Projection& by, TensorId x, TensorId y, std::int64_t outer, std::int64_t rank,
                     bool to_outer) {
    const TensorId weight = builder_.weight(
        group_, {ModelPart::mla, by.item, TensorAspect::weight},
        {cut_dim(DimName::qkv, s_.heads * outer, s_.tp, true), {.name = DimName::flat, .size = rank}});
    block_.ops.push_back(compute_op(by.name, Component::attention, Phase::forward,
                                    Gemm{.batch = s_.heads / s_.tp,
                                         .m = builder_.tensor(y).dims[0].local(),
                                         .n = to_outer ? outer : rank,
                                         .k = to_outer ? rank : outer,
                                         .math = s_.activation,
                                         .transpose_b = to_outer},
                                    {reads(x), reads(weight), writes(y)}));
  }

  TensorId per_head(const Projection& by, TensorId x, TensorItem item, std::int64_t outer, std::int64_t rank,
                    bool to_outer) {
    const TensorId y = builder_.activation({ModelPart::mla, item}, DimName::qkv, s_.heads * rank, true);
    emit_per_head(by, x, y, outer, rank, to_outer);
    return y;
  }

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  const BlockShapes& s_;
  const LatentAttention& mixer_;
  const MlaSpec& mla_;
};

}  // namespace

Mixed emit_latent_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  return LatentEmitter(builder, block, group).run(x);
}

}  // namespace foreshard
