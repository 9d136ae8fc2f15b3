#pragma once

#include <cstdint>

#include "planner/units/count.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

enum class Framework : std::uint8_t {
  megatron,
  megatron_deepspeed,
  torch_fsdp,
  deepspeed,
  nanotron,
  foreshard
};

/// How tensor-parallel communication hides: not at all; the backward collective behind the weight gradient;
/// or cut into pieces that run beside the product they feed.
enum class TpOverlap : std::uint8_t { none, wgrad, full };

/// In how many passes over the logits the loss runs.
enum class LossKernels : std::uint8_t {
  fused,          ///< one for each part of the loss
  torch,          ///< PyTorch's cross_entropy: log_softmax, nll_loss, their gradients
  vocab_parallel  ///< Megatron-LM's: maximum, difference, exponential, sum, quotient, each of its own
};

/// In how many passes over its state an optimizer step runs.
enum class OptimizerKernels : std::uint8_t {
  fused,         ///< one: it reads gradients and state, writes state and weights
  multi_tensor,  ///< Apex: gradients widened, unscaled and clipped, the step, masters copied to the weights
  foreach        ///< PyTorch's default: gradients clipped, then one pass for each term of the formula
};

struct OverlapSpec {
  TpOverlap tp = TpOverlap::none;
  bool dp = false;
  bool pp = false;
  bool cp = false;
  bool ep = false;
};

/// What people's training stacks do differently, each with its source in docs/frameworks.md. A job's own keys
/// win.
struct FrameworkConventions {
  DType gradient_dtype = DType::fp32;       ///< in which gradients are kept and reduced
  DType fp16_gradient_dtype = DType::fp32;  ///< the same in fp16 jobs
  /// Under ZeRO-3, fp32 masters stand beside low-precision weights; else the weights that are kept and cut
  /// are fp32 themselves, and gathering narrows them.
  bool fp32_master_weights = true;
  Bytes bucket{};  ///< gradients per data-parallel collective, at least one tensor's; 0: one for everything
  OverlapSpec overlap;  ///< default of training.overlap
  bool regather_sequence =
      true;  ///< sequence parallelism gathers its inputs again in backward, not keeps them
  bool recompute_whole_layer = true;  ///< full recomputation reruns every operation, not only those needed
  bool compiled = true;               ///< default of training.compiled
  bool dropout = false;               ///< default of training.dropout for LayerNorm models
  bool scatter_pipeline = false;      ///< pipeline transfers carry 1/tp of the activation even without SP
  int prefetch_layers = 1;            ///< ZeRO-3: layers gathered ahead
  bool fp32_logits = true;            ///< the loss works on an fp32 copy of the logits
  /// Weight-gradient products add to the gradients. If not, a micro-batch's gradients are made in the
  /// weights' type and added in a pass of their own.
  bool fused_accumulation = true;
  /// Autograd, which wants a gradient of its own, is given a tensor that nobody fills, one per weight shape.
  bool gradient_placeholders = false;
  bool average_pass = false;  ///< gradients are divided by the replicas in a pass of its own
  /// ZeRO-3 gathers into and scatters out of one buffer per layer: weights and gradients are copied.
  bool flat_buffers = false;
  bool fused_kernels = true;  ///< RMSNorm and rotary embedding are one kernel each even if not compiled
  bool fused_softmax = true;  ///< of an unfused attention core: it scales and masks as well
  /// Gradients come from autograd, node by node: what passes by a norm is added in a pass of its own, and
  /// the gradients of a norm's weights read its operands again. A compiler undoes it.
  bool autograd = false;
  LossKernels loss = LossKernels::fused;
  OptimizerKernels optimizer = OptimizerKernels::fused;
  Bytes context{};             ///< device memory taken before the first tensor (driver, communicators)
  double fragmentation = 0.0;  ///< reserved over allocated − 1 of the framework's allocator
};

FrameworkConventions framework_conventions(Framework framework);

}  // namespace foreshard
