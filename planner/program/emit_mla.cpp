#include "planner/program/emit_forward.hpp"

namespace foreshard {

namespace {

/// Multi-head latent attention, training form (DeepSeek-V2, arXiv:2405.04434, section 2.1):
///   c_q = norm(x·W_q_downᵀ)   q = c_q·W_q_upᵀ            (A heads of nope + rope; no compression where
///   q_rank is 0) [c_kv, k_rope] = x·W_kv_downᵀ,  c_kv = norm(c_kv)    [k, v] = c_kv·W_kv_upᵀ   (A heads of
///   nope and v)
/// The down products are small and stand whole on every tp rank; the up products are cut by heads.
class LatentEmitter {
 public:
  LatentEmitter(ProgramBuilder& builder, Block& block, WeightGroup& group)
      : builder_(builder),
        block_(block),
        group_(group),
        s_(builder.shapes()),
        mla_(*builder.job().model.mla) {}

  void run(TensorId x, TensorId out) {
    const std::int64_t head = mla_.nope_head_dim + mla_.rope_head_dim;
    const TensorId q_in = mla_.q_rank > 0 ? latent("q", mla_.q_rank, 0, x) : x;
    const TensorId q = product("q_up", q_in, s_.heads * head, q_rows());
    const TensorId latents = latent("kv", mla_.kv_rank, mla_.rope_head_dim, x);
    const TensorId kv =
        product("kv_up", latents, s_.heads * (mla_.nope_head_dim + mla_.v_head_dim), mla_.kv_rank);
    block_.ops.push_back(compute_op(
        "rope", Component::attention, Phase::forward,
        Rope{.tokens = s_.tokens / s_.cp, .heads = s_.heads / s_.tp, .head_dim = mla_.rope_head_dim},
        {adds_to(q)}));

    Tensor lse;
    lse.name = "layer.attention.lse";
    lse.dtype = DType::fp32;
    lse.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp},
                cut_dim(DimName::heads, s_.heads, s_.tp, true)};
    const Attention attention{.batch = s_.batch,
                              .query = s_.sequence / s_.cp,
                              .key = s_.sequence,
                              .heads = s_.heads / s_.tp,
                              .kv_heads = s_.heads / s_.tp,
                              .head_dim = head,
                              .v_head_dim = mla_.v_head_dim,
                              .causal = builder_.job().model.causal,
                              .math = s_.activation};
    block_.ops.push_back(
        compute_op("attention", Component::attention_core, Phase::forward, attention,
                   {reads(q), reads(kv), writes(out), writes(builder_.add(std::move(lse)))}));
  }

 private:
  [[nodiscard]] std::int64_t q_rows() const { return mla_.q_rank > 0 ? mla_.q_rank : s_.hidden; }

  /// x → norm of the first `rank` of rank + extra columns. The extra ones (k's rotated part) pass by.
  TensorId latent(const std::string& which, std::int64_t rank, std::int64_t extra, TensorId x) {
    const std::string name = "layer." + which + "_down";
    const TensorId weight = builder_.weight(
        group_, name + ".weight",
        {{.name = DimName::flat, .size = rank + extra}, {.name = DimName::hidden, .size = s_.hidden}});
    const TensorId down = builder_.activation(name, DimName::flat, rank + extra, false);
    emit_linear(builder_, block_, group_,
                {which + "_down", Component::attention, s_.layer_math, reads(x), weight, down});
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

  TensorId product(const std::string& name, TensorId x, std::int64_t columns, std::int64_t rows) {
    const TensorId weight =
        builder_.weight(group_, "layer." + name + ".weight",
                        {cut_dim(DimName::qkv, columns, s_.tp, true), {.name = DimName::flat, .size = rows}});
    const TensorId y = builder_.activation("layer." + name, DimName::qkv, columns, true);
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
