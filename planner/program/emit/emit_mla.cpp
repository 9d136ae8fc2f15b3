#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// Multi-head latent attention, training form (DeepSeek-V2, arXiv:2405.04434, section 2.1):
///   c_kv = norm(x·W_kv_downᵀ)   [k, v] = c_kv·W_kv_upᵀ   (A heads of nope and v)
///   k_rope = x·W_k_ropeᵀ                                 (one head that all share)
///   c_q = norm(x·W_q_downᵀ)     q = c_q·W_q_upᵀ          (A heads of nope + rope; q = x·W_q_upᵀ where q_rank
///   is 0)
/// The down products are small and stand whole on every tp rank; the up products are cut by heads. q comes
/// last, so that backward finishes a sum over tp into x's gradient before it adds what every rank has whole.
class LatentEmitter {
 public:
  LatentEmitter(ProgramBuilder& builder, Block& block, WeightGroup& group)
      : builder_(builder),
        block_(block),
        group_(group),
        s_(builder.shapes()),
        mla_(std::get<LatentAttention>(builder.kind().mixer).sizes) {}

  void run(TensorId x, TensorId out) {
    const std::int64_t head = mla_.nope_head_dim + mla_.rope_head_dim;
    const TensorId latents = latent("kv", mla_.kv_rank, x);
    const TensorId kv =
        product("kv_up", latents, s_.heads * (mla_.nope_head_dim + mla_.v_head_dim), mla_.kv_rank, true);
    std::vector<Operand> keys;
    if (mla_.rope_head_dim > 0) {
      const TensorId k_rope = product("k_rope", x, mla_.rope_head_dim, s_.hidden, false);
      rotate("rope k", k_rope, 1);
      keys.push_back(reads(over_cp(k_rope, "k_rope")));
    }
    const TensorId q_in = mla_.q_rank > 0 ? latent("q", mla_.q_rank, x) : x;
    const TensorId q =
        product("q_up", q_in, s_.heads * head, mla_.q_rank > 0 ? mla_.q_rank : s_.hidden, true);
    if (mla_.rope_head_dim > 0) rotate("rope", q, s_.heads / s_.tp);
    keys.insert(keys.begin(), {reads(q), reads(over_cp(kv, "kv"))});
    attend(std::move(keys), out);
  }

 private:
  void attend(std::vector<Operand> operands, TensorId out) {
    Tensor lse;
    lse.name = "layer.attention.lse";
    lse.dtype = DType::fp32;
    lse.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp},
                cut_dim(DimName::heads, s_.heads, s_.tp, true)};
    const Attention attention{.batch = s_.batch,
                              .query = s_.sequence / s_.cp,
                              .key = visible_keys(builder_),
                              .heads = s_.heads / s_.tp,
                              .kv_heads = s_.heads / s_.tp,
                              .head_dim = mla_.nope_head_dim + mla_.rope_head_dim,
                              .v_head_dim = mla_.v_head_dim,
                              .causal = builder_.job().model.causal,
                              .math = s_.activation};
    operands.push_back(writes(out));
    operands.push_back(writes(builder_.add(std::move(lse))));
    block_.ops.push_back(
        compute_op("attention", Component::attention_core, Phase::forward, attention, std::move(operands)));
  }

  /// The keys or values of all cp ranks' tokens.
  TensorId over_cp(TensorId own, const std::string& name) {
    if (s_.cp == 1) return own;
    Tensor full = builder_.tensor(own);
    full.name = "layer." + name + ".all";
    full.dims[0].cp = 1;
    const TensorId id = builder_.add(std::move(full));
    exchange_cp(builder_, block_, gather_name(builder_, name), CollectiveKind::all_gather, own, id);
    return id;
  }

  void rotate(const std::string& name, TensorId x, std::int64_t heads) {
    block_.ops.push_back(compute_op(
        name, Component::attention, Phase::forward,
        Rope{.tokens = s_.tokens / s_.cp, .heads = heads, .head_dim = mla_.rope_head_dim}, {adds_to(x)}));
  }

  /// x → norm(x·W_downᵀ), `rank` columns.
  TensorId latent(const std::string& which, std::int64_t rank, TensorId x) {
    const TensorId down = product(which + "_down", x, rank, s_.hidden, false);
    const TensorId normed = builder_.activation("layer." + which + "_norm.out", DimName::flat, rank, false);
    return emit_norm_of_columns(which, rank, down, normed);
  }

  TensorId emit_norm_of_columns(const std::string& which, std::int64_t rank, TensorId x, TensorId y) {
    const std::string prefix = "layer." + which + "_norm";
    const TensorId weight =
        builder_.weight(group_, prefix + ".weight", {{.name = DimName::flat, .size = rank}});
    block_.ops.push_back(
        compute_op(which + " norm", Component::norm, Phase::forward,
                   Norm{.kind = NormKind::rmsnorm, .rows = builder_.tensor(y).dims[0].local(), .width = rank},
                   {reads(x), reads(weight), writes(y), writes(builder_.statistic(prefix + ".stats", 1))}));
    return y;
  }

  TensorId product(const std::string& name, TensorId x, std::int64_t columns, std::int64_t rows, bool cut) {
    const DimName dim = cut ? DimName::qkv : DimName::flat;
    const TensorId weight =
        builder_.weight(group_, "layer." + name + ".weight",
                        {cut_dim(dim, columns, s_.tp, cut), {.name = DimName::flat, .size = rows}});
    const TensorId y = builder_.activation("layer." + name, dim, columns, cut);
    emit_linear(builder_, block_, group_, {name, Component::attention, s_.layer_math, reads(x), weight, y});
    return y;
  }

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  const BlockShapes& s_;
  const MlaSpec& mla_;
};

}  // namespace

void emit_latent_attention(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x,
                           TensorId out) {
  LatentEmitter(builder, block, group).run(x, out);
}

}  // namespace foreshard
