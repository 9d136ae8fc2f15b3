#include "planner/program/emit/emit_hyper.hpp"

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// The items of one mixing: its weights, and the row that is read.
struct MixingItems {
  TensorItem weights;
  TensorItem row;
};

MixingItems items_of(Mixing mixing) {
  switch (mixing) {
    case Mixing::attention: return {TensorItem::attention_streams, TensorItem::attention_row};
    case Mixing::ffn: return {TensorItem::ffn_streams, TensorItem::ffn_row};
    case Mixing::head: return {TensorItem::head_streams, TensorItem::head_row};
    case Mixing::mtp_head: break;
  }
  return {TensorItem::mtp_streams, TensorItem::mtp_row};
}

std::string name_of_mixing(Mixing mixing) {
  switch (mixing) {
    case Mixing::attention: return "attention streams";
    case Mixing::ffn: return "ffn streams";
    case Mixing::head: return "head streams";
    case Mixing::mtp_head: break;
  }
  return "mtp head streams";
}

void stream_pass(ProgramBuilder& builder, Block& block, const std::string& name, PointwiseKind kind,
                 TensorId sized_like, std::vector<Operand> operands) {
  block.ops.push_back(compute_op(name, Component::residual, Phase::forward,
                                 Pointwise{kind, builder.tensor(sized_like).local_elements()},
                                 std::move(operands)));
}

}  // namespace

bool has_streams(const ProgramBuilder& builder) { return builder.job().model.streams() > 1; }

Operand emit_read_streams(ProgramBuilder& builder, Block& block, WeightGroup& group, Mixing mixing,
                          Operand streams) {
  const HyperConnections& hyper = *builder.job().model.hyper_connections;
  const bool is_head = mixing == Mixing::head || mixing == Mixing::mtp_head;
  // A head only reads. One scale for each of the three parts: to read, to write, to mix.
  const std::int64_t columns = is_head ? hyper.streams : hyper.weights();
  const std::int64_t scales = is_head ? 1 : 3;
  const auto [item, row_item] = items_of(mixing);
  const std::string name = name_of_mixing(mixing);
  const Meaning meaning{ModelPart::hyper, item};
  const TensorId matrix =
      builder.weight(group, with(meaning, TensorAspect::weight),
                     {{.name = DimName::flat, .size = columns},
                      {.name = DimName::flat, .size = builder.tensor(streams.tensor).dims[1].size}});
  const TensorId logits = builder.activation(meaning, DimName::flat, columns, false, DType::fp32);
  emit_linear(builder, block, group,
              {name, Component::residual, builder.shapes().wide_math, streams, matrix, logits});
  const TensorId bias = builder.weight(group, with(meaning, TensorAspect::bias),
                                       {{.name = DimName::flat, .size = columns + scales}});
  const TensorId weights =
      builder.activation(with(meaning, TensorAspect::output), DimName::flat, columns, false, DType::fp32);
  stream_pass(builder, block, name + " weights", PointwiseKind::mixing_weights, logits,
              {reads(logits), reads(bias), writes(weights)});
  const TensorId row =
      builder.activation({ModelPart::hyper, row_item}, DimName::hidden, builder.shapes().hidden, false);
  stream_pass(builder, block, "read " + name, PointwiseKind::read_streams, streams.tensor,
              {reads(weights), streams, writes(row)});
  return reads(row);
}

void emit_write_streams(ProgramBuilder& builder, Block& block, Mixing mixing, Operand streams, TensorId out,
                        Operand next) {
  const TensorId weights = builder.find({ModelPart::hyper, items_of(mixing).weights, TensorAspect::output});
  stream_pass(builder, block, "write " + name_of_mixing(mixing), PointwiseKind::write_streams, next.tensor,
              {reads(weights), streams, reads(out), next});
}

TensorId token_row(ProgramBuilder& builder) {
  return builder.activation({ModelPart::hyper, TensorItem::token_row}, DimName::hidden,
                            builder.shapes().hidden, false);
}

void emit_repeat(ProgramBuilder& builder, Block& block, TensorId row, Operand streams) {
  stream_pass(builder, block, "copy to streams", PointwiseKind::repeat, streams.tensor,
              {reads(row), streams});
}

}  // namespace foreshard
