#include <string>

#include "planner/program/emit/emit_forward.hpp"

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

/// Appends y = x · Wᵀ, or y += x · Wᵀ, with a (D, D) half of the projection.
void emit_half(ProgramBuilder& builder, Block& block, WeightGroup& group, const std::string& name,
               TensorItem item, TensorId x, Operand y) {
  const std::int64_t hidden = builder.shapes().hidden;
  const TensorId weight =
      builder.weight(group, {ModelPart::mtp, item, TensorAspect::weight},
                     {{.name = DimName::hidden, .size = hidden}, {.name = DimName::hidden, .size = hidden}});
  block.ops.push_back(compute_op(name, Component::ffn, Phase::forward,
                                 Gemm{.batch = 1,
                                      .m = builder.tensor(y.tensor).dims[0].local(),
                                      .n = hidden,
                                      .k = hidden,
                                      .math = builder.shapes().layer_math,
                                      .transpose_b = true},
                                 {reads(x), reads(weight), y}));
}

}  // namespace

Block emit_mtp_entry(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table) {
  Block block{.name = "mtp forward", .kind = BlockKind::mtp, .pass = Pass::forward, .ops = {}};
  const TensorId hidden = hidden_stream(builder);
  const TensorId tokens = emit_next_tokens(builder, block, table);
  const TensorId token_rows =
      emit_norm(builder, block, group, "mtp token norm", TensorItem::mtp_token_norm, reads(tokens));
  const TensorId hidden_rows =
      emit_norm(builder, block, group, "mtp hidden norm", TensorItem::mtp_hidden_norm, reads(hidden));
  emit_half(builder, block, group, "mtp project tokens", TensorItem::mtp_token_projection, token_rows,
            writes(hidden, 1));
  emit_half(builder, block, group, "mtp project hidden", TensorItem::mtp_hidden_projection, hidden_rows,
            adds_to(hidden, 1));
  return block;
}

}  // namespace foreshard
