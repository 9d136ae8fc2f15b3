#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_hyper.hpp"
#include "planner/program/emit/emit_loss.hpp"

namespace foreshard {

TensorId token_numbers(ProgramBuilder& builder, TensorItem item, ModelPart part) {
  Tensor tensor = tensor_of({part, item});
  tensor.role = TensorRole::input;
  tensor.dtype = DType::int32;
  tensor.lifetime = Lifetime::micro_batch;
  tensor.dims = {{.name = DimName::tokens, .size = builder.shapes().tokens, .cp = builder.shapes().cp}};
  tensor.per_layer = part == ModelPart::mtp;
  return builder.add(std::move(tensor));
}

namespace {

constexpr Meaning kTokenTable{ModelPart::embedding, TensorItem::token_table, TensorAspect::weight};

/// (T, D); under sequence parallelism each tensor-parallel rank has a share of the tokens.
std::vector<Dim> stream_dims(const BlockShapes& s, bool sequence_parallel) {
  return {{.name = DimName::tokens, .size = s.tokens, .tp = sequence_parallel ? s.tp : 1, .cp = s.cp},
          {.name = DimName::hidden, .size = s.hidden}};
}

/// The (V, D) table of tokens, vocabulary cut over tp.
TensorId vocabulary_weight(ProgramBuilder& builder, WeightGroup& group, const Meaning& meaning) {
  const BlockShapes& s = builder.shapes();
  return builder.weight(
      group, meaning,
      {cut_dim(DimName::vocab, s.vocab, s.tp, true), {.name = DimName::hidden, .size = s.hidden}}, {},
      (s.vocab - builder.job().model.vocab) * s.hidden);
}

}  // namespace

TensorId token_table(ProgramBuilder& builder, WeightGroup& table) {
  return vocabulary_weight(builder, table, kTokenTable);
}

TensorId hidden_stream(ProgramBuilder& builder) {
  Tensor stream = tensor_of(kHiddenStream);
  stream.dtype = builder.shapes().activation;
  stream.lifetime = Lifetime::micro_batch;
  stream.dims = stream_dims(builder.shapes(), builder.job().parallelism.sequence_parallel);
  stream.dims[1].size *= builder.job().model.streams();
  return builder.add(std::move(stream));
}

TensorId hidden_gradient(ProgramBuilder& builder) {
  Tensor gradient = builder.derived(hidden_stream(builder), Derivation::gradient);
  gradient.role = TensorRole::activation_gradient;
  return builder.add(std::move(gradient));
}

TensorId emit_norm(ProgramBuilder& builder, Block& block, WeightGroup& group, const std::string& name,
                   TensorItem item, Operand x) {
  const Meaning norm{ModelPart::norm, item};
  const TensorId y =
      builder.activation(with(norm, TensorAspect::output), DimName::hidden, builder.shapes().hidden, false);
  const NormKind kind = builder.job().model.norm;
  const std::int64_t width = builder.tensor(x.tensor).dims[1].local();
  const bool centred = kind == NormKind::layernorm;
  const Dim columns{.name = DimName::flat, .size = width};
  std::vector<Operand> operands{x, reads(builder.weight(group, with(norm, TensorAspect::weight), {columns}))};
  if (centred) operands.push_back(reads(builder.weight(group, with(norm, TensorAspect::bias), {columns})));
  operands.push_back(writes(y));
  operands.push_back(writes(builder.statistic(with(norm, TensorAspect::statistics), centred ? 2 : 1)));
  block.ops.push_back(compute_op(
      name, Component::norm, Phase::forward,
      Norm{.kind = kind, .rows = builder.tensor(y).dims[0].local(), .width = width}, std::move(operands)));
  return y;
}

void emit_residual(ProgramBuilder& builder, Block& block, const std::string& name, TensorItem dropout,
                   Operand a, Operand x, Operand y) {
  const BlockShapes& s = builder.shapes();
  const std::int64_t elements = builder.tensor(y.tensor).local_elements();
  const auto pointwise = [&](std::string op, PointwiseKind kind, std::vector<Operand> operands) {
    block.ops.push_back(compute_op(std::move(op), Component::residual, Phase::forward,
                                   Pointwise{kind, elements}, std::move(operands)));
  };
  if (!builder.job().training.dropout) {
    pointwise(name, PointwiseKind::add, {a, x, y});
    return;
  }
  const Meaning dropped_here{ModelPart::residual, dropout};
  const TensorId mask = builder.activation(with(dropped_here, TensorAspect::mask), DimName::hidden, s.hidden,
                                           false, DType::uint8);
  if (builder.job().training.compiled) {
    pointwise(name, PointwiseKind::dropout_add, {a, x, y, writes(mask)});
    return;
  }
  const TensorId dropped =
      builder.activation(with(dropped_here, TensorAspect::output), DimName::hidden, s.hidden, false);
  pointwise(name + " dropout", PointwiseKind::dropout, {x, writes(dropped), writes(mask)});
  pointwise(name, PointwiseKind::add, {a, reads(dropped), y});
}

Block emit_embedding(ProgramBuilder& builder, WeightGroup& table, WeightGroup& positions) {
  Block block{.name = "embedding forward", .kind = BlockKind::embedding, .pass = Pass::forward, .ops = {}};
  const BlockShapes& s = builder.shapes();
  const JobSpec& job = builder.job();
  const TensorId stream = hidden_stream(builder);
  const TensorId hidden = has_streams(builder) ? token_row(builder) : stream;
  const TensorId weight = token_table(builder, table);
  const bool learned = job.model.positions == Positions::learned;
  const bool dropout = job.training.dropout;

  const TensorId looked_up = learned || dropout ? builder.activation(with(kTokenTable, TensorAspect::output),
                                                                     DimName::hidden, s.hidden, false)
                                                : hidden;
  if (s.tp > 1 && looked_up != hidden) builder.tensor(looked_up).partial = GroupKind::tp;
  block.ops.push_back(
      compute_op("embedding", Component::embedding, Phase::forward,
                 Embedding{.tokens = s.tokens / s.cp, .width = s.hidden},
                 {reads(token_numbers(builder, TensorItem::ids)), reads(weight), writes(looked_up)}));
  if (s.tp > 1) {
    block.ops.push_back(all_reduce_tp(builder, "all-reduce embedding", Component::embedding, Phase::forward,
                                      reads(looked_up)));
  }

  TensorId current = looked_up;
  const std::int64_t elements = builder.tensor(hidden).local_elements();
  if (learned) {
    const std::int64_t rows = job.model.max_positions > 0 ? job.model.max_positions : s.sequence;
    const TensorId learned_table = builder.weight(
        positions, {ModelPart::embedding, TensorItem::position_table, TensorAspect::weight},
        {{.name = DimName::position, .size = rows}, {.name = DimName::hidden, .size = s.hidden}});
    const TensorId sum = dropout ? builder.activation({ModelPart::embedding, TensorItem::embedding_sum},
                                                      DimName::hidden, s.hidden, false)
                                 : hidden;
    block.ops.push_back(compute_op("positions", Component::embedding, Phase::forward,
                                   Pointwise{PointwiseKind::add, elements},
                                   {reads(current), reads(learned_table), writes(sum)}));
    current = sum;
  }
  if (dropout) {
    const TensorId mask = builder.activation(with(kTokenTable, TensorAspect::mask), DimName::hidden, s.hidden,
                                             false, DType::uint8);
    block.ops.push_back(compute_op("embedding dropout", Component::embedding, Phase::forward,
                                   Pointwise{PointwiseKind::dropout, elements},
                                   {reads(current), writes(hidden), writes(mask)}));
  }
  if (has_streams(builder)) emit_repeat(builder, block, hidden, writes(stream));
  return block;
}

namespace {

/// Appends the output projection of `normed` and the loss.
void emit_prediction(ProgramBuilder& builder, Block& block, WeightGroup& group, WeightGroup& table,
                     TensorId normed) {
  const BlockShapes& s = builder.shapes();
  const bool tied = builder.job().model.tied_embeddings;
  const TensorId weight =
      tied ? token_table(builder, table)
           : vocabulary_weight(builder, group,
                               {ModelPart::head, TensorItem::output_table, TensorAspect::weight});
  const TensorId logits =
      builder.activation({ModelPart::head, TensorItem::logits}, DimName::vocab, s.vocab, true);
  emit_linear(builder, block, group, {"logits", Component::head, s.wide_math, reads(normed), weight, logits});
  emit_loss(builder, block, logits);
}

}  // namespace

Block emit_head(ProgramBuilder& builder, WeightGroup& group, WeightGroup& table) {
  Block block{.name = "head forward", .kind = BlockKind::head, .pass = Pass::forward, .ops = {}};
  Operand row = reads(hidden_stream(builder));
  if (has_streams(builder)) row = emit_read_streams(builder, block, group, Mixing::head, row);
  const TensorId normed = emit_norm(builder, block, group, "final norm", TensorItem::final_norm, row);
  emit_prediction(builder, block, group, table, normed);
  return block;
}

Block emit_mtp_head(ProgramBuilder& builder, WeightGroup& norm, WeightGroup& head, WeightGroup& table) {
  Block block{.name = "mtp head forward", .kind = BlockKind::mtp_head, .pass = Pass::forward, .ops = {}};
  Operand row = reads(hidden_stream(builder));
  if (has_streams(builder)) row = emit_read_streams(builder, block, norm, Mixing::mtp_head, row);
  const TensorId normed = emit_norm(builder, block, norm, "mtp final norm", TensorItem::mtp_norm, row);
  emit_prediction(builder, block, head, table, normed);
  return block;
}

}  // namespace foreshard
