#include "planner/program/emit/emit_loss.hpp"

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// Columns of the vocabulary over which one rank computes the loss.
std::int64_t loss_columns(const ProgramBuilder& builder) {
  const BlockShapes& s = builder.shapes();
  return builder.job().training.loss.sharded ? s.vocab / s.tp : s.vocab;
}

/// A (T, V) or (T, V/t) tensor of the loss.
TensorId logits_like(ProgramBuilder& builder, const Meaning& meaning, DType type) {
  return builder.activation(meaning, DimName::vocab, builder.shapes().vocab,
                            builder.job().training.loss.sharded, type);
}

/// Appends the all-gather of the logits of all tp ranks. (T, V/t) → (T, V)
TensorId gather_logits(ProgramBuilder& builder, Block& block, TensorId logits) {
  const TensorId whole =
      logits_like(builder, {ModelPart::head, TensorItem::whole_logits}, builder.shapes().activation);
  Op op = compute_op("all-gather logits", Component::loss, Phase::forward,
                     Collective{.kind = CollectiveKind::all_gather,
                                .group = GroupKind::tp,
                                .reduction = Reduction::sum,
                                .payload = builder.tensor(whole).local_bytes()},
                     {reads(logits), writes(whole)});
  op.lane = Lane::tp;
  block.ops.push_back(std::move(op));
  return whole;
}

/// Appends the cast of the logits to fp32.
TensorId widen(ProgramBuilder& builder, Block& block, TensorId logits) {
  const TensorId wide = logits_like(builder, {ModelPart::head, TensorItem::wide_logits}, DType::fp32);
  block.ops.push_back(compute_op("logits to fp32", Component::loss, Phase::forward,
                                 Pointwise{PointwiseKind::cast, builder.tensor(wide).local_elements()},
                                 {reads(logits), writes(wide)}));
  return wide;
}

/// True for kernels that keep log probabilities for backward.
bool is_torch(LossKernels kernels) {
  return kernels == LossKernels::torch || kernels == LossKernels::torch_sharded;
}

}  // namespace

LossForm loss_form(const JobSpec& job) {
  const FrameworkConventions conventions = framework_conventions(job.framework);
  const LossSpec& loss = job.training.loss;
  if (loss.fused || loss.cut) return {.kernels = LossKernels::fused, .wide = false, .in_place = true};
  if (loss.compiled) return {.kernels = LossKernels::fused, .wide = false, .in_place = false};
  const bool is_cut = loss.sharded && job.parallelism.tp > 1;
  return {.kernels = is_torch(conventions.loss) && is_cut ? LossKernels::torch_sharded : conventions.loss,
          .wide = conventions.fp32_logits && job.training.precision != Precision::fp32,
          .in_place = false};
}

void emit_loss(ProgramBuilder& builder, Block& block, TensorId logits) {
  const BlockShapes& s = builder.shapes();
  const LossForm form = loss_form(builder.job());
  const bool sharded = builder.job().training.loss.sharded;
  if (!sharded && s.tp > 1) logits = gather_logits(builder, block, logits);
  if (form.wide) logits = widen(builder, block, logits);

  const std::int64_t known = builder.job().model.vocab;
  const auto part = [&](std::string name, CrossEntropyPart which, std::vector<Operand> operands) {
    block.ops.push_back(compute_op(std::move(name), Component::loss, Phase::forward,
                                   CrossEntropy{.part = which,
                                                .tokens = s.tokens / s.cp,
                                                .vocab = loss_columns(builder),
                                                .known_vocab = known == s.vocab ? 0 : known},
                                   std::move(operands)));
  };
  const auto reduce = [&](std::string name, TensorId tensor, Reduction reduction) {
    if (s.tp == 1 || !sharded) return;
    block.ops.push_back(
        all_reduce_tp(builder, std::move(name), Component::loss, Phase::forward, reads(tensor), reduction));
  };
  const ModelPart predicted = block.kind == BlockKind::mtp_head ? ModelPart::mtp : ModelPart::input;
  const TensorId labels = token_numbers(builder, TensorItem::labels, predicted);
  const TensorId max = builder.statistic({ModelPart::loss, TensorItem::row_max}, 1);
  const TensorId sums = builder.statistic({ModelPart::loss, TensorItem::exp_sums}, 2);
  Tensor loss = tensor_of({ModelPart::loss, TensorItem::loss});
  loss.dtype = DType::fp32;
  loss.lifetime = Lifetime::micro_batch;
  loss.dims = {{.name = DimName::flat, .size = 1}};

  part("row max", CrossEntropyPart::row_max, {reads(logits), writes(max)});
  reduce("all-reduce max", max, Reduction::max);
  std::vector<Operand> summed{reads(logits), reads(labels), reads(max), writes(sums)};
  if (is_torch(form.kernels))
    summed.push_back(
        writes(logits_like(builder, {ModelPart::loss, TensorItem::log_probabilities}, DType::fp32)));
  part("exp sum", CrossEntropyPart::exp_sum, std::move(summed));
  reduce("all-reduce sums", sums, Reduction::sum);
  part("loss", CrossEntropyPart::loss, {reads(sums), writes(builder.add(std::move(loss)))});
}

std::vector<Operand> loss_workspace(ProgramBuilder& builder) {
  const LossForm form = loss_form(builder.job());
  std::vector<Operand> workspace;
  if (is_torch(form.kernels)) {
    const auto add = [&](TensorItem item) {
      workspace.push_back(writes(logits_like(builder, {ModelPart::loss, item}, DType::fp32)));
    };
    add(TensorItem::label_gradient);
    add(TensorItem::wide_gradient);
    if (form.kernels == LossKernels::torch_sharded) add(TensorItem::probabilities_of_loss);
  } else if (!builder.job().training.loss.sharded && builder.shapes().tp > 1) {
    // The gradient of all columns, of which the rank then takes its own.
    workspace.push_back(writes(
        logits_like(builder, {ModelPart::loss, TensorItem::wide_gradient}, builder.shapes().activation)));
  }
  return workspace;
}

}  // namespace foreshard
