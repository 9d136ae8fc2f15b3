#include <string>

#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_hyper.hpp"

namespace foreshard {

namespace {

/// The embeddings of the next tokens, (T, D), looked up in the model's own table.
TensorId emit_next_tokens(ProgramBuilder& builder, Block& block, WeightGroup& table) {
  const BlockShapes& s = builder.shapes();
  const TensorId rows = builder.activation({ModelPart::mtp, TensorItem::token_table, TensorAspect::output},
                                           DimName::hidden, s.hidden, false);
  block.ops.push_back(compute_op("next embedding", Component::embedding, Phase::forward,
                                 Embedding{.tokens = s.tokens / s.cp, .width = s.hidden},
                                 {reads(token_numbers(builder, TensorItem::ids, ModelPart::mtp)),
                                  reads(token_table(builder, table)), writes(rows)}));
  if (s.tp > 1) {
    builder.tensor(rows).partial = GroupKind::tp;
    block.ops.push_back(all_reduce_tp(builder, "all-reduce next embedding", Component::embedding,
                                      Phase::forward, reads(rows)));
  }
  return rows;
}

/// Appends y = x · Wᵀ, or y += x · Wᵀ, with a (D, D) half of the projection. Each of several streams is a row of its own.
void emit_half(ProgramBuilder& builder, Block& block, WeightGroup& group, const std::string& name,
               TensorItem item, TensorId x, Operand y, std::int64_t streams = 1) {
  const std::int64_t hidden = builder.shapes().hidden;
  const TensorId weight =
      builder.weight(group, {ModelPart::mtp, item, TensorAspect::weight},
                     {{.name = DimName::hidden, .size = hidden}, {.name = DimName::hidden, .size = hidden}});
  block.ops.push_back(compute_op(name, Component::ffn, Phase::forward,
                                 Gemm{.batch = 1,
                                      .m = builder.tensor(y.tensor).dims[0].local() * streams,
                                      .n = hidden,
                                      .k = hidden,
                                      .math = builder.shapes().layer_math,
                                      .transpose_b = true},
                                 {reads(x), reads(weight), y}));
}

/// Hyper-connections (DeepSeek-V4): each stream is normalised and projected on its own, and the tokens' projection is
/// added to all of them.
void emit_streams(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId token_rows) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t streams = builder.job().model.streams();
  const TensorId hidden = hidden_stream(builder);
  const Meaning norm{ModelPart::norm, TensorItem::mtp_hidden_norm};
  const TensorId rows =
      builder.activation(with(norm, TensorAspect::output), DimName::hidden, s.hidden * streams, false);
  const TensorId weight =
      builder.weight(group, with(norm, TensorAspect::weight), {{.name = DimName::flat, .size = s.hidden}});
  const TensorId statistics = builder.statistic(with(norm, TensorAspect::statistics), streams);
  block.ops.push_back(compute_op("mtp hidden norm", Component::norm, Phase::forward,
                                 Norm{.kind = NormKind::rmsnorm,
                                      .rows = builder.tensor(rows).dims[0].local() * streams,
                                      .width = s.hidden},
                                 {reads(hidden), reads(weight), writes(rows), writes(statistics)}));
  const TensorId projected = token_row(builder);
  emit_half(builder, block, group, "mtp project tokens", TensorItem::mtp_token_projection, token_rows,
            writes(projected));
  emit_repeat(builder, block, projected, writes(hidden, 1));
  emit_half(builder, block, group, "mtp project hidden", TensorItem::mtp_hidden_projection, rows,
            adds_to(hidden, 1), streams);
}

}  // namespace

Block emit_mtp_entry(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table) {
  Block block{.name = "mtp forward", .kind = BlockKind::mtp, .pass = Pass::forward, .ops = {}};
  const TensorId hidden = hidden_stream(builder);
  const TensorId tokens = emit_next_tokens(builder, block, table);
  const TensorId token_rows =
      emit_norm(builder, block, group, "mtp token norm", TensorItem::mtp_token_norm, reads(tokens));
  if (has_streams(builder)) {
    emit_streams(builder, block, group, token_rows);
    return block;
  }
  const TensorId hidden_rows =
      emit_norm(builder, block, group, "mtp hidden norm", TensorItem::mtp_hidden_norm, reads(hidden));
  emit_half(builder, block, group, "mtp project tokens", TensorItem::mtp_token_projection, token_rows,
            writes(hidden, 1));
  emit_half(builder, block, group, "mtp project hidden", TensorItem::mtp_hidden_projection, hidden_rows,
            adds_to(hidden, 1));
  return block;
}

}  // namespace foreshard
