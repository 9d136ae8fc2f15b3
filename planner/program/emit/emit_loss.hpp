#pragma once

#include "planner/frameworks/framework.hpp"
#include "planner/program/program_builder.hpp"

namespace foreshard {

/// How a job's framework computes the loss: which kernels run, and what they keep in memory. Sources:
/// docs/frameworks.md, "The loss".
struct LossForm {
  LossKernels kernels = LossKernels::fused;
  /// The kernels work on an fp32 copy of the logits.
  bool wide = false;
  /// The gradient of the logits is written in their place.
  bool in_place = false;
};
/// The form that the job's own keys ask for, else that of its framework. A compiled model's loss is compiled only
/// where the job says so.
LossForm loss_form(const JobSpec& job);

/// Appends the cross-entropy of `logits` (T, V/t): over the columns of this rank, with all-reduces over tp of
/// the rows' maxima and sums; or, if the job does not shard the loss, over all columns, which are gathered
/// first. Tensors of the logits' size that are kept in memory:
///   fused           the fp32 copy, if the form has one
///   vocab_parallel  the fp32 copy, in which Megatron-LM computes its softmax in place
///   torch           the fp32 copy until log_softmax has run, then its result; in backward the gradients of
///                   nll_loss and of log_softmax as well
///   torch_sharded   the same, and in backward the probabilities, which are made again from their logarithms
void emit_loss(ProgramBuilder& builder, Block& block, TensorId logits);

/// The tensors that a backward pass of the loss fills beside the gradient of the logits.
std::vector<Operand> loss_workspace(ProgramBuilder& builder);

/// The number of operands of a part of the cross-entropy without its further tensors of the logits' size: log
/// probabilities in forward, a workspace in backward. Their traffic is counted with the framework's passes.
constexpr std::size_t loss_operands(CrossEntropyPart part, bool backward) {
  if (backward) return 5;
  return part == CrossEntropyPart::exp_sum ? 4 : 2;
}

}  // namespace foreshard
