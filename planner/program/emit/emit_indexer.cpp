#include <algorithm>

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// An indexer: queries, keys and the weights of its heads, and the choice by their scores. Its weights are
/// replicated over tp, and every tp rank computes all of its scores, as in Megatron-LM; over cp a rank has its own
/// queries and gathers all keys. Its products read detached inputs (derive_backward.cpp).
/// Sources: DeepSeek-V3.2, arXiv:2512.02556; the model code of DeepSeek-V3.2 and MiniMax-M3.
class IndexerEmitter {
 public:
  IndexerEmitter(ProgramBuilder& builder, Block& block, WeightGroup& group, const Indexer& indexer)
      : builder_(builder), block_(block), group_(group), s_(builder.shapes()), indexer_(indexer) {}

  TensorId run(TensorId x, TensorId q_input) {
    const bool is_lightning = indexer_.kind == IndexerKind::lightning;
    TensorId q = product("index q", TensorItem::index_q, q_input, indexer_.heads * indexer_.head_dim);
    TensorId k = product("index k", TensorItem::index_k, x, indexer_.head_dim);
    if (!is_lightning)
      q = norm("index q norm", TensorItem::index_q_norm, NormKind::rmsnorm, q, indexer_.heads);
    k = norm("index k norm", TensorItem::index_k_norm, is_lightning ? NormKind::layernorm : NormKind::rmsnorm,
             k, 1);
    rotate("rope index q", q, indexer_.heads);
    rotate("rope index k", k, 1);
    std::vector<Operand> operands{reads(q), reads(all_keys(k))};
    if (is_lightning)
      operands.push_back(reads(product("index weights", TensorItem::index_weights, x, indexer_.heads)));
    Tensor choice = tensor_of({ModelPart::indexer, TensorItem::choice});
    choice.dtype = DType::int32;
    choice.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp},
                   {.name = DimName::key, .size = chosen_keys(builder_)}};
    const TensorId chosen = builder_.add(std::move(choice));
    operands.push_back(writes(chosen));
    block_.ops.push_back(
        compute_op("index scores", Component::attention_core, Phase::forward, scores(), std::move(operands)));
    return chosen;
  }

 private:
  [[nodiscard]] IndexScores scores() const {
    const auto* latent = std::get_if<LatentAttention>(&builder_.kind().mixer);
    const std::int64_t latent_dim =
        latent != nullptr ? latent->sizes.kv_rank + latent->sizes.rope_head_dim : 0;
    return {.batch = s_.batch,
            .query = s_.sequence / s_.cp,
            .key = s_.sequence,
            .heads = indexer_.heads,
            .head_dim = indexer_.head_dim,
            .selected = chosen_keys(builder_),
            .causal = builder_.job().model.causal,
            .target_heads = s_.heads / s_.tp,
            .target_dim = latent != nullptr ? latent_dim : s_.head_dim,
            .math = s_.activation};
  }

  TensorId product(const std::string& name, TensorItem item, TensorId x, std::int64_t columns) {
    const std::int64_t rows = builder_.tensor(x).dims[1].size;
    const TensorId weight =
        builder_.weight(group_, {ModelPart::indexer, item, TensorAspect::weight},
                        {{.name = DimName::flat, .size = columns}, {.name = DimName::flat, .size = rows}});
    const TensorId y = builder_.activation({ModelPart::indexer, item}, DimName::flat, columns, false);
    emit_linear(builder_, block_, group_, {name, Component::attention, s_.activation, reads(x), weight, y});
    return y;
  }

  /// A norm of each of `heads` heads.
  TensorId norm(const std::string& name, TensorItem item, NormKind kind, TensorId x, std::int64_t heads) {
    const Meaning meaning{ModelPart::indexer, item};
    const std::int64_t width = indexer_.head_dim;
    const TensorId y =
        builder_.activation(with(meaning, TensorAspect::output), DimName::flat, heads * width, false);
    std::vector<Operand> operands{reads(x), reads(builder_.weight(group_, with(meaning, TensorAspect::weight),
                                                                  {{.name = DimName::flat, .size = width}}))};
    const bool centred = kind == NormKind::layernorm;
    if (centred)
      operands.push_back(reads(builder_.weight(group_, with(meaning, TensorAspect::bias),
                                               {{.name = DimName::flat, .size = width}})));
    operands.push_back(writes(y));
    operands.push_back(
        writes(builder_.statistic(with(meaning, TensorAspect::statistics), heads * (centred ? 2 : 1))));
    block_.ops.push_back(
        compute_op(name, Component::norm, Phase::forward,
                   Norm{.kind = kind, .rows = builder_.tensor(y).dims[0].local() * heads, .width = width},
                   std::move(operands)));
    return y;
  }

  /// Rope on the columns that the attention rotates too, at most all of a head.
  void rotate(const std::string& name, TensorId x, std::int64_t heads) {
    std::int64_t columns = 0;
    if (const auto* latent = std::get_if<LatentAttention>(&builder_.kind().mixer)) {
      columns = latent->rope ? latent->sizes.rope_head_dim : 0;
    } else if (const auto& softmax = std::get<SoftmaxAttention>(builder_.kind().mixer); softmax.rope) {
      columns = softmax.options.rotary_dim.value_or(softmax.head_dim);
    }
    columns = std::min(columns, indexer_.head_dim);
    if (columns == 0) return;
    block_.ops.push_back(compute_op(name, Component::attention, Phase::forward,
                                    Rope{.tokens = s_.tokens / s_.cp,
                                         .heads = heads,
                                         .head_dim = columns,
                                         .head_stride = columns == indexer_.head_dim ? 0 : indexer_.head_dim},
                                    {adds_to(x)}));
  }

  TensorId all_keys(TensorId own) {
    if (s_.cp == 1) return own;
    Tensor full = tensor_of({ModelPart::indexer, TensorItem::index_k, TensorAspect::all_ranks});
    full.dtype = builder_.tensor(own).dtype;
    full.dims = builder_.tensor(own).dims;
    full.dims[0].cp = 1;
    const TensorId id = builder_.add(std::move(full));
    exchange_cp(builder_, block_, gather_name(builder_, "index k"), CollectiveKind::all_gather, own, id);
    return id;
  }

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  const BlockShapes& s_;
  const Indexer& indexer_;
};

}  // namespace

TensorId emit_indexer(ProgramBuilder& builder, Block& block, WeightGroup& group, const Indexer& indexer,
                      TensorId x, TensorId q_input) {
  return IndexerEmitter(builder, block, group, indexer).run(x, q_input);
}

std::vector<Operand> choice_of(ProgramBuilder& builder, Block& block, WeightGroup& group,
                               const Indexer& indexer, TensorId x, TensorId q_input) {
  if (indexer.is_shared) return {};
  return {reads(emit_indexer(builder, block, group, indexer, x, q_input))};
}

}  // namespace foreshard
