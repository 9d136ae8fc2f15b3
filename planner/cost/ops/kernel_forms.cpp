#include "planner/cost/ops/kernel_forms.hpp"

#include <algorithm>
#include <variant>

#include "planner/cost/ops/mixer_traffic.hpp"
#include "planner/frameworks/framework.hpp"
#include "planner/program/emit/emit_loss.hpp"
#include "planner/program/passes/quantiser_rules.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

// Notation in this file: kernels are separated by commas; rN and wN mean that a kernel reads and writes N
// bytes per element. Activations have 16 bits. The constants are bytes per element beyond those of one fused
// kernel.

/// Forward pass of RMSNorm as separate PyTorch operations; one fused kernel would move 4 bytes.
///   to fp32 r2 w4, square r4 w4, mean r4, times 1/rms r4 w4, to 16 bits r4 w2, times weight r2 w2
/// and, on one number per row, eps and square root.
constexpr std::int64_t kRmsNormForward = 36 - 4;
/// Backward pass of that RMSNorm; one fused kernel would move 6 bytes.
///   times weight r2 w2, gradient of weight r4 w2, its sum r2, to fp32 r2 w4, times 1/rms r4 w4,
///   gradient of 1/rms r8 w4, its sum r4, of the mean w4, of the square r4 w4, r8 w4, their sum r8 w4,
///   to 16 bits r4 w2
constexpr std::int64_t kRmsNormBackward = 84 - 6;
/// A separate kernel for the gradients of a norm's weights reads x and dy again.
constexpr std::int64_t kNormWeights = 4;
/// The residual's gradient is added in a separate pass, r2 r2 w2, instead of being read by the norm, r2.
constexpr std::int64_t kResidualSum = 4;
/// Rotary embedding as a complex product: to fp32 r2 w4, product r4 w4, to 16 bits r4 w2. One fused kernel in
/// place moves r2 w2.
constexpr std::int64_t kRope = 20 - 4;
/// If queries and keys are split from the result of one product, backward concatenates their gradients, r2
/// w2.
constexpr std::int64_t kConcatenation = 4;
/// Latent attention assembles its queries, keys and values from their parts, r2 w2; backward splits their
/// gradients.
constexpr std::int64_t kAssembly = 4;
/// If a rank has several experts, the rows that arrived and were gathered are also sorted by expert, r2 w2.
constexpr std::int64_t kChunkSort = 4;
/// A permutation in PyTorch. Forward, per element of a row: rows that outputs have not been weighed yet are times their
/// weights r2 w2 (1); zeros are counted with the sum (1). Backward of a weighted sum: gradients of rows w2, r2 w2 (1), of
/// weights r2 w2, r2 (2). Masks and indices: transposed (1), selected (4).
constexpr std::int64_t kWeighedRows = 4;
constexpr std::int64_t kWeighedRowsBackward = 10;
constexpr std::int64_t kIndexKernels = 5;
/// Products of 8 or 4 bits take rows in multiples of 16 or 32: Megatron-LM copies each expert's rows to such a number
/// and the results back, r2 w2 (Fp8Padding and Fp8Unpadding in megatron/core/transformer/moe/experts.py). HybridEP
/// pads in its permutation (skip_routed_expert_padding, moe_utils.py).
constexpr std::int64_t kPaddedRows = 4;
/// Choosing experts with single PyTorch operations, bytes per token and expert (k columns and vectors of experts
/// are not counted); the number of kernels in brackets. Forward: to fp32 r2 w4 (1), scores w4 (1), top-k r4 (2),
/// their scores gathered (1), normalised (2) and scaled (1), histogram (1), indices sorted by expert (5), scores in
/// that order (1). Backward: scale and normalisation (3), gather w4, r4 w4 (2), scores r8 w4 (1), cast r4 w2 (1).
constexpr std::int64_t kTorchRoute = 14;
constexpr std::int64_t kTorchRouteKernels = 15;
constexpr std::int64_t kTorchRouteBackward = 30;
constexpr std::int64_t kTorchRouteBackwardKernels = 7;
/// Megatron-LM, forward. Choice: top-k r4 (2), softmax (1), cast (1), scores in a map w4, r4 w4 (2), routing map
/// w4, r4 w4, r4 w4, r4 w1 (4), counts r1 (1). Auxiliary loss: softmax r4 w4 (1), top-k r4 (2), routing map as
/// before (4), counts r1 (1), sum of scores r4 (1), products and sum (3), log (2). Exchange: counts r1 (1) and
/// sums of them (6), copies to the host (4).
constexpr std::int64_t kMegatronRoute = 42 + 42;
constexpr std::int64_t kMegatronRouteKernels = 11 + 14;
constexpr std::int64_t kExchangeCounts = 1;
constexpr std::int64_t kExchangeCountKernels = 11;
/// Backward. Choice: gather (1), softmax (1), top-k w4, r4 w4 (2), cast r4 w2 (1). Auxiliary loss: scale (2),
/// product (1), expanded sum w4 (1), softmax r8 w4 (1), sum of both gradients r8 w4 (1). Gradient of the scores
/// that were exchanged (2).
constexpr std::int64_t kMegatronRouteBackward = 18 + 28;
constexpr std::int64_t kMegatronRouteBackwardKernels = 5 + 6 + 2;
/// The same with Transformer Engine's fused router (fused_router.py). Forward: choice (1), scores for the auxiliary
/// loss r2 w4 w1 (1), the loss r4 (1). Backward: choice (1), loss w4 (1), scores r4 r4 w4 (1), sum r4 r2 w2 (1).
constexpr std::int64_t kFusedRoute = 11;
constexpr std::int64_t kFusedRouteKernels = 3;
constexpr std::int64_t kFusedRouteBackward = 24;
constexpr std::int64_t kFusedRouteBackwardKernels = 4;
/// Transformer Engine's row map of a permutation: three passes over the routing map, and the chunk map of a
/// sort.
constexpr std::int64_t kRowMapKernels = 3;
constexpr std::int64_t kChunkMapKernels = 1;
/// Transformer Engine's current scaling clears the largest magnitude before it seeks it, and makes a scale of it
/// (current_scaling.cu).
constexpr std::int64_t kScaleKernels = 2;
/// Scale, mask and two casts around PyTorch's softmax, measured together with it.
constexpr std::int64_t kSoftmaxKernels = 4;

FurtherPasses passes(std::int64_t elements, std::int64_t bytes, std::int64_t kernels) {
  return {Bytes(checked_product(elements, bytes)), kernels};
}

void add(FurtherPasses& sum, const FurtherPasses& more) {
  sum.traffic += more.traffic;
  sum.kernels += more.kernels;
  sum.atomic_sums += more.atomic_sums;
}

FurtherPasses of_norm(const Op& op, const Norm& norm, const KernelForms& forms) {
  const std::int64_t elements = checked_product(norm.rows, norm.width);
  const bool backward = is_backward(op.phase);
  FurtherPasses more;
  if (!forms.fused_kernels && norm.kind == NormKind::rmsnorm) {
    add(more, backward ? passes(elements, kRmsNormBackward, 13) : passes(elements, kRmsNormForward, 7));
    more.elementwise = true;
  } else if (forms.autograd && backward) {
    add(more, passes(elements, kNormWeights, 1));
  }
  // Backward reads x, weight, stats, dy, and the gradient of the residual connection if there is one.
  const bool passes_by = backward && op.operands.size() > 4 && op.operands[4].access == Access::read;
  if (forms.autograd && passes_by) add(more, passes(elements, kResidualSum, 1));
  return more;
}

FurtherPasses further_of_loss(const Op& op, const CrossEntropy& loss, LossKernels form) {
  const std::int64_t logits = checked_product(loss.tokens, loss.vocab);
  const bool backward = is_backward(op.phase);
  const bool forward_sum = !backward && loss.part == CrossEntropyPart::exp_sum;
  switch (form) {
    case LossKernels::fused: return {};
    case LossKernels::torch:
      // Forward: log_softmax writes its result, w4. Backward: the label's gradient is written to all columns,
      // w4; the gradient of log_softmax moves r4 r4 r4 w4; the cast r4 w2 replaces the fused kernel's write.
      if (forward_sum) return passes(logits, 4, 1);
      return backward ? passes(logits, 26 - 6, 2) : FurtherPasses{};
    case LossKernels::torch_sharded:
      // Forward: difference r4 w4, exponential r4 w4, sum r4, log_softmax r4 w4. Backward: zeros w4, probabilities
      // r4 w4, their sum with the label's gradient r4 r4 w4, product with the loss's gradient r4 w4, cast r4 w2.
      if (forward_sum) return passes(logits, 28 - 4, 3);
      return backward ? passes(logits, 38 - 6, 4) : FurtherPasses{};
    case LossKernels::vocab_parallel:
      // Forward: difference r4 w4, exponential r4 w4, sum r4, quotient r4 w4. Backward: product with the
      // loss's gradient r4 w4, cast r4 w2.
      if (forward_sum) return passes(logits, 28 - 4, 3);
      return backward ? passes(logits, 14 - 6, 1) : FurtherPasses{};
  }
  return {};
}

FurtherPasses of_loss(const Op& op, const CrossEntropy& loss, LossKernels form) {
  FurtherPasses more = further_of_loss(op, loss, form);
  more.elementwise = form != LossKernels::fused;
  return more;
}

/// Bytes per element of the first gradient that an update reads.
std::int64_t gradient_width(const Op& op, const StepProgram& program) {
  return bytes_of(program.tensor(op.operands.front().tensor).dtype, 1).value();
}

/// Adafactor as PyTorch operations (Transformers' `Adafactor`), beyond one kernel that reads g, reads and
/// writes p: squares r4 w4, their row means r4, column means r4, root of their product w4, times g r4 r4 w4,
/// its mean r4, divided by it r4 w4, times the rate r4 w4, added to p r4.
constexpr std::int64_t kAdafactor = 8 + 4 + 4 + 4 + 12 + 4 + 8 + 8 + 4;

/// Bytes per element of a kind of moment.
std::int64_t moment_width(MomentType moments) {
  switch (moments) {
    case MomentType::fp32:
    case MomentType::factored: return 4;
    case MomentType::bf16:
    case MomentType::fp16: return 2;
    case MomentType::fp8:
    case MomentType::int8: return 1;
  }
  return 4;
}

FurtherPasses of_update(const Op& op, const OptimizerUpdate& update, const StepProgram& program,
                        const KernelForms& forms) {
  const std::int64_t gradient = gradient_width(op, program);
  switch (update.kind) {
    case OptimizerKind::adafactor: return passes(update.parameters, kAdafactor, 9);
    // One kernel (bitsandbytes; torchao compiles it) after the gradients are clipped in place.
    case OptimizerKind::adamw_8bit: return passes(update.parameters, 2 * gradient, 1);
    case OptimizerKind::muon: return {};  // its passes are operations of their own
    case OptimizerKind::adamw:
    case OptimizerKind::adam:
    case OptimizerKind::sgd:
    case OptimizerKind::lion: break;
  }
  switch (forms.optimizer) {
    case OptimizerKernels::fused: return {};
    case OptimizerKernels::multi_tensor: {
      const bool usual =
          forms.states.master == MasterWeights::fp32 && forms.states.moments == MomentType::fp32;
      // The precision-aware optimizer reads gradients and writes weights as they are: only clipping is left.
      if (!usual) return passes(update.parameters, 2 * gradient, 1);
      // Clip r4 w4; copy masters to weights r4 w2, of which a fused kernel would need only the write.
      std::int64_t bytes = 8 + 4;
      std::int64_t kernels = 2;
      if (gradient == 2) {
        bytes += 6 + 4;  // to fp32 r2 w4; norm and step read 4 bytes, not 2
        ++kernels;
      }
      if (forms.fp16) {
        bytes += 8;  // unscale and check for infinities r4 w4
        ++kernels;
      }
      return passes(update.parameters, bytes, kernels);
    }
    case OptimizerKernels::foreach: {
      if (update.kind == OptimizerKind::sgd || update.kind == OptimizerKind::lion)
        return passes(update.parameters, 8, 1);
      // With p, g, m, v bytes per weight, gradient, first and second moment: decay 2p, m 2m + g, v 2v, v 2v +
      // g, root 2v, correction 2v, eps 2v, step 2p + m + v: 4p + 2g + 3m + 11v, of which one fused kernel
      // moves 2p + g + 2m + 2v; in addition clip 2g. In fp32: 80 − 28 + 8.
      const std::int64_t p = has_fp32_weights(forms.states.master) ? 4 : 2;
      const std::int64_t m = moment_width(forms.states.moments);
      return passes(update.parameters, 2 * p + 3 * p + m + 9 * m, 8);
    }
  }
  return {};
}

FurtherPasses of_attention(const Op& op, const Attention& core, const StepProgram& program) {
  if (core.key_layout == KeyLayout::by_head) {
    const std::int64_t width = 2 * core.head_dim + core.v_head_dim;
    return passes(checked_product(core.batch, core.query, core.heads, width), kAssembly, 3);
  }
  if (!is_backward(op.phase)) return {};
  return passes(program.tensor(op.operands.front().tensor).local_elements(), kConcatenation, 1);
}

/// Rows of experts have a scale for each expert or more: Transformer Engine's split_quantize launches a kernel for
/// each. One scale per tensor takes three: the largest magnitude is cleared, sought, and made a scale.
FurtherPasses of_quantiser(const Op& op, const Pointwise& pointwise, const StepProgram& program,
                           const KernelForms& forms) {
  const bool quantises = pointwise.kind == PointwiseKind::quantise || pointwise.kind == PointwiseKind::amax ||
                         pointwise.kind == PointwiseKind::transpose;
  if (!quantises) return {};
  const bool is_of_rows = op.component == Component::experts &&
                          program.tensor(op.operands.front().tensor).meaning.part == ModelPart::experts;
  const std::int64_t calls = is_of_rows ? forms.quantiser_kernels : 1;
  const std::int64_t each = pointwise.kind == PointwiseKind::amax ? 1 + forms.scale_kernels : 1;
  FurtherPasses more = passes(0, 0, calls * each - 1);
  more.by_one_call = each > 1;
  return more;
}

FurtherPasses of_softmax(const KernelForms& forms) {
  FurtherPasses more;
  more.elementwise = forms.fused_softmax;
  if (!forms.fused_softmax && forms.autograd) more.measured_together = kSoftmaxKernels;
  return more;
}

/// The passes around the two products of an adapter, r2 w2 each unless noted (NeMo's and Megatron-Bridge's
/// ParallelLinearAdapter and LoRALinear, Hugging Face's peft/tuners/lora/layer.py):
///   forward    dropout r2 w2 w1, product a, product b, times alpha / rank, sum with the base's result r2 r2 w2
///   backward   times alpha / rank, product b, product a, dropout r2 r1 w2, sum with the base's gradient r2 r2 w2
/// In the program each sum is part of the product before it, which reads and writes the result once more: w2 r2.
FurtherPasses of_adapter(const Op& op, const Gemm& gemm, const StepProgram& program,
                         const KernelForms& forms) {
  if ((!forms.adapters_apart && !forms.drops_inputs) || op.phase == Phase::backward_weight) return {};
  const auto is_of = [&](TensorAspect aspect) {
    return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return program.tensor(operand.tensor).meaning.aspect == aspect && operand.access == Access::read;
    });
  };
  const bool backward = is_backward(op.phase);
  const std::int64_t in = checked_product(gemm.batch, gemm.m, gemm.k);
  const std::int64_t out = checked_product(gemm.batch, gemm.m, gemm.n);
  FurtherPasses more;
  if (is_of(TensorAspect::adapter_a)) {
    if (forms.drops_inputs) add(more, passes(backward ? out : in, 5, 1));
    if (forms.adapters_apart && backward) add(more, passes(out, 4, 1));
  } else if (is_of(TensorAspect::adapter_b) && forms.adapters_apart) {
    add(more, backward ? passes(in, 4, 1) : passes(out, 8, 2));
  }
  return more;
}

/// Megatron-LM's choice of experts, its auxiliary loss, and the counts for the exchange.
FurtherPasses of_megatron_route(std::int64_t scores, bool backward, const KernelForms& forms) {
  FurtherPasses more;
  if (forms.fused_choice) {
    more = backward ? passes(scores, kFusedRouteBackward, kFusedRouteBackwardKernels - 1)
                    : passes(scores, kFusedRoute, kFusedRouteKernels - 1);
  } else {
    more = backward ? passes(scores, kMegatronRouteBackward, kMegatronRouteBackwardKernels - 1)
                    : passes(scores, kMegatronRoute, kMegatronRouteKernels - 1);
  }
  if (!backward && forms.counts_for_exchange)
    add(more, passes(scores, kExchangeCounts, kExchangeCountKernels));
  return more;
}

FurtherPasses of_route(const Op& op, const Route& route, const KernelForms& forms) {
  const std::int64_t scores = checked_product(route.tokens, route.experts);
  const bool backward = is_backward(op.phase);
  switch (forms.routing) {
    case RoutingKernels::fused: return {};
    case RoutingKernels::torch:
      if (forms.fused_choice) return {};
      return backward ? passes(scores, kTorchRouteBackward, kTorchRouteBackwardKernels - 1)
                      : passes(scores, kTorchRoute, kTorchRouteKernels - 1);
    case RoutingKernels::megatron: return of_megatron_route(scores, backward, forms);
  }
  return {};
}

/// Single PyTorch operations: forward copies rows by their tokens' indices and adds the experts' outputs to zeros;
/// backward the other way round. Whatever is summed is summed by atomic additions.
FurtherPasses of_torch_permute(const Op& op, const Permute& permute, std::int64_t elements) {
  const bool backward = is_backward(op.phase);
  FurtherPasses more;
  if (permute.weighted && permute.weighs)
    more = backward ? passes(elements, kWeighedRowsBackward, 3) : passes(elements, kWeighedRows, 1);
  if (!permute.weighted && !backward) more.kernels += kIndexKernels;
  if (permute.weighted != backward) {
    more.atomic_sums = elements;
    ++more.kernels;
  }
  return more;
}

FurtherPasses of_permute(const Op& op, const Permute& permute, const KernelForms& forms) {
  const std::int64_t elements = checked_product(permute.rows, permute.width);
  const bool maps =
      forms.routing == RoutingKernels::megatron && !forms.permutes_in_torch && !is_backward(op.phase);
  FurtherPasses more;
  if (forms.permutes_in_torch) more = of_torch_permute(op, permute, elements);
  if (maps && !permute.weighted) more.kernels += kRowMapKernels;
  if (forms.pads_rows) add(more, passes(elements, kPaddedRows, 1));
  if (forms.sorted_rows == 0) return more;
  add(more, passes(checked_product(elements, forms.sorted_rows), kChunkSort, 1));
  if (maps) more.kernels += kChunkMapKernels;
  return more;
}

/// True if Megatron-LM's kernel of a scaled and masked softmax takes the job's attention cores: heads times
/// sequences must be a multiple of 4, and keys no more than 4096. Source: docs/frameworks.md.
bool softmax_kernel_fits(const JobSpec& job) {
  const std::int64_t cores = checked_product(job.training.micro_batch, job.model.heads) / job.parallelism.tp;
  return cores % 4 == 0 && job.training.sequence_length <= 4096;
}

/// Rows that are sorted by expert over those that a rank sends; 0 if none are: with the dispatchers that send copies of
/// tokens one permutation puts rows into their order.
std::int64_t sorted_rows(const JobSpec& job, bool separate) {
  const ParallelismSpec& p = job.parallelism;
  if (!separate || !job.model.experts || job.training.dispatcher != Dispatcher::all_to_all) return 0;
  // Megatron-LM sorts wherever a rank has several experts, other codes what an exchange brought.
  const bool arrives = p.ep > 1 || job.conventions().routing == RoutingKernels::megatron;
  return job.model.experts->count > p.ep && arrives ? p.expert_tp() : 0;
}

/// True if rows are brought into their order by single PyTorch operations. HybridEP's kernels do it themselves; NeMo
/// Automodel, which has DeepEP in PyTorch's FSDP, takes Transformer Engine's.
bool permutes_in_torch(const JobSpec& job) {
  const Dispatcher dispatcher = job.training.dispatcher;
  if (!job.model.experts || job.training.fused_permutation || dispatcher == Dispatcher::hybridep)
    return false;
  switch (job.conventions().routing) {
    case RoutingKernels::fused: return false;
    case RoutingKernels::torch: return dispatcher == Dispatcher::all_to_all || dispatcher == Dispatcher::loop;
    case RoutingKernels::megatron: return true;
  }
  return false;
}

}  // namespace

KernelForms kernel_forms(const JobSpec& job) {
  const FrameworkConventions conventions = job.conventions();
  // True if the job uses a compiler that the framework does not use by default: it fuses these operations.
  const bool compiler = job.training.compiled && !conventions.compiled;
  const TrainingSpec& training = job.training;
  const bool sends_copies =
      training.dispatcher == Dispatcher::deepep || training.dispatcher == Dispatcher::hybridep;
  // Kernels that quantise many tensors at once exist for delayed scaling alone, and in the grouped path.
  const bool quantises_each =
      conventions.kernel_per_expert && !training.fused_grouped_gemm &&
      conventions.quantisers == Quantisers::transformer_engine &&
      !(training.precision == Precision::fp8 && training.fp8_scaling == Fp8Scaling::delayed);
  const bool one_scale = conventions.quantisers == Quantisers::transformer_engine &&
                         training.precision == Precision::fp8 &&
                         training.fp8_scaling == Fp8Scaling::tensorwise;
  const std::int64_t local_experts = job.model.experts ? job.model.experts->count / job.parallelism.ep : 1;
  const bool torch_routing = conventions.routing == RoutingKernels::torch;
  return {.fused_kernels = training.fused_kernels.value_or(conventions.fused_kernels) || compiler,
          .fused_softmax = (conventions.fused_softmax && softmax_kernel_fits(job)) || compiler,
          .autograd = conventions.autograd && !compiler,
          .loss = loss_form(job).kernels,
          .optimizer = conventions.optimizer,
          .states = job.training.states,
          .fp16 = job.training.precision == Precision::fp16,
          .sorted_rows = sorted_rows(job, conventions.autograd && !compiler),
          .permutes_in_torch = permutes_in_torch(job),
          .routing = compiler && torch_routing ? RoutingKernels::fused : conventions.routing,
          .kernel_per_expert = conventions.kernel_per_expert && !training.fused_grouped_gemm,
          .fused_choice = training.fused_routing,
          .counts_for_exchange = !sends_copies,
          .exchange_permutes = training.dispatcher == Dispatcher::hybridep && training.fused_permutation,
          .pads_rows = conventions.routing == RoutingKernels::megatron &&
                       is_scaled(product_type(training.precision, training.fp8_scaling)) &&
                       training.dispatcher != Dispatcher::hybridep,
          .adapters_apart = job.lora && !job.lora->fused && conventions.autograd && !compiler,
          .drops_inputs = job.lora && job.lora->dropout,
          .product_activates = activates_in_products(job),
          .quantiser_kernels = quantises_each ? local_experts : 1,
          .scale_kernels = one_scale ? kScaleKernels : 0};
}

bool is_done_by_another(const Op& op, const KernelForms& forms) {
  if (std::holds_alternative<Permute>(op.kind)) return forms.exchange_permutes;
  return forms.product_activates && op.component == Component::experts && is_activation(op);
}

FurtherPasses further_passes(const Op& op, const StepProgram& program, const KernelForms& forms) {
  return std::visit(
      overloaded{
          [&](const Norm& norm) { return of_norm(op, norm, forms); },
          [&](const CrossEntropy& loss) { return of_loss(op, loss, forms.loss); },
          [&](const OptimizerUpdate& update) { return of_update(op, update, program, forms); },
          [&](const Rope& rope) {
            const std::int64_t rotated = checked_product(rope.tokens, rope.heads, rope.head_dim);
            return forms.fused_kernels ? FurtherPasses{} : passes(rotated, kRope, 2);
          },
          [&](const Attention& core) {
            return forms.autograd ? of_attention(op, core, program) : FurtherPasses{};
          },
          [&](const Pointwise& pointwise) {
            return pointwise.kind == PointwiseKind::softmax ? of_softmax(forms)
                                                            : of_quantiser(op, pointwise, program, forms);
          },
          [&](const Permute& permute) { return of_permute(op, permute, forms); },
          [&](const Route& route) { return of_route(op, route, forms); },
          [&](const GroupedGemm& experts) {
            FurtherPasses more;
            if (forms.kernel_per_expert && op.calls == 1) more.measured_together = experts.experts - 1;
            return more;
          },
          [&](const one_of<LinearScan, IndexScores> auto&) {
            return FurtherPasses{.traffic = {}, .kernels = kernels_of(op) - 1};
          },
          [&](const Gemm& gemm) { return of_adapter(op, gemm, program, forms); },
          [](const one_of<Embedding, CausalConv, GatedNorm, Gate, Collective, Send, Recv, HostCopy> auto&) {
            return FurtherPasses{};
          }},
      op.kind);
}

}  // namespace foreshard
