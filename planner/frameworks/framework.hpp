#pragma once

#include <cstdint>
#include <optional>

#include "planner/frameworks/dispatcher.hpp"
#include "planner/frameworks/host_conventions.hpp"
#include "planner/frameworks/release.hpp"
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

/// How tensor-parallel communication overlaps compute. none: not at all. wgrad: the collective of the input
/// gradient overlaps the weight gradient. full: also, collectives are split into chunks that overlap the
/// product which uses or makes their data.
enum class TpOverlap : std::uint8_t { none, wgrad, full };

/// The kernels of the loss: how many passes over the logits it makes.
enum class LossKernels : std::uint8_t {
  fused,          ///< one pass for each part of the loss
  torch,          ///< PyTorch's cross_entropy: log_softmax, nll_loss, their gradients
  torch_sharded,  ///< the same on logits that are cut over tp (torch.distributed.tensor's loss_parallel)
  vocab_parallel  ///< Megatron-LM's: maximum, difference, exponential, sum, quotient, one pass each
};

/// The kernels of an optimizer step: how many passes over its state it makes.
enum class OptimizerKernels : std::uint8_t {
  fused,         ///< one pass: it reads gradients and state, and writes state and weights
  multi_tensor,  ///< Apex: passes that cast, unscale and clip gradients, step, and copy masters to weights
  foreach        ///< PyTorch's default: gradients are clipped, then one pass for each term of the formula
};

/// Who makes the fp8 and fp4 copies of a product's operands, and with which kernels: docs/precisions.md.
enum class Quantisers : std::uint8_t {
  transformer_engine,  ///< NVIDIA's: copies are kept for backward, and those of weights for the whole step
  torchao,             ///< PyTorch's: backward makes its copies anew from what bf16 keeps
  fused                ///< whoever makes a tensor also writes its copies
};

/// The kernels that choose experts and bring token rows into their order.
enum class RoutingKernels : std::uint8_t {
  fused,     ///< one for the choice, one for each permutation
  torch,     ///< single PyTorch operations: scores, top-k, normalisation, sorting
  megatron,  ///< the same with an auxiliary loss, routing maps, counts for the exchange and row maps
};

struct OverlapSpec {
  TpOverlap tp = TpOverlap::none;
  bool dp = false;
  bool pp = false;
  bool cp = false;
  EpOverlap ep = EpOverlap::none;
  /// ZeRO-1 and 2: updated weights are gathered beside the next step's first forward pass, not after the
  /// update.
  bool gather = false;
};

/// What training frameworks do differently. The source of each value is in docs/frameworks.md. A job's own
/// keys override them.
struct FrameworkConventions {
  DType gradient_dtype = DType::fp32;       ///< type in which gradients are kept and reduced
  DType fp16_gradient_dtype = DType::fp32;  ///< the same in fp16 jobs
  /// With ZeRO-3: true if fp32 masters are kept in addition to low-precision weights. If false, each rank's
  /// share of the weights is fp32 itself, and gathering casts it to the lower precision.
  bool fp32_master_weights = true;
  Bytes bucket{};  ///< gradients per data-parallel collective, at least one tensor's; 0: one for everything
  std::int64_t bucket_gradients = 0;  ///< the same as a number of gradients of any type; 0: `bucket` says it
  std::int64_t bucket_gradients_per_replica = 0;  ///< and at least so many for each data-parallel replica
  bool buckets_for_overlap = false;               ///< without overlap everything is reduced at once
  OverlapSpec overlap;                            ///< default of training.overlap
  /// With sequence parallelism, backward gathers its inputs again instead of keeping the gathered tensors.
  bool regather_sequence = true;
  bool recompute_whole_layer = true;  ///< full recomputation reruns every operation, not only those needed
  bool compiled = true;               ///< default of training.compiled
  bool dropout = false;               ///< default of training.dropout for LayerNorm models
  bool scatter_pipeline = false;      ///< pipeline transfers carry 1/tp of the activation even without SP
  int prefetch_layers = 1;            ///< ZeRO-3: layers gathered ahead
  /// Weights and gradients of experts are gathered and scattered on the stream of all others (one stream per
  /// process): they never move at the same time.
  bool one_shard_stream = false;
  /// How tokens come to experts where training.dispatcher is not given; loop only without expert parallelism.
  Dispatcher dispatcher = Dispatcher::all_to_all;
  bool fp32_logits = true;  ///< the loss works on an fp32 copy of the logits
  /// Weight-gradient products add to the gradient buffer directly. If false, the gradient of a micro-batch is
  /// written in the weights' type and added by a separate kernel.
  bool fused_accumulation = true;
  /// Autograd requires a gradient tensor; the framework returns one that no kernel fills, one per weight
  /// shape.
  bool gradient_placeholders = false;
  bool average_pass = false;  ///< gradients are divided by the number of replicas in a pass of its own
  /// ZeRO-3 gathers into and scatters from one flat buffer per layer: weights and gradients are copied.
  bool flat_buffers = false;
  /// ZeRO-3 gathers and scatters each weight by itself, and passes lists of shards, one for each rank: the host makes
  /// views of them and copies them one by one, and nothing else runs meanwhile.
  bool shard_lists = false;
  /// ZeRO-1 scatters the gradients of a bucket, and gathers all updated weights in one call, with such lists: the host
  /// copies the share of each rank, of a gather that of each weight.
  bool lists_of_buckets = false;
  /// Activations are (sequence, token, hidden): what sequence parallelism gathers or scatters is copied between
  /// the order of the ranks and that of the tokens.
  bool copies_sequences = false;
  /// Asynchronous tensor parallelism (overlap.tp: full) finds a scatter behind one product and a gather before products
  /// without scales by rows. Query, key and value, and gate and up, are products of their own here: the scatter of the
  /// sum of their input gradients is not hidden.
  bool finds_single_products = false;
  bool fused_kernels = true;  ///< RMSNorm and rotary embedding are one kernel each even if not compiled
  bool fused_softmax = true;  ///< the softmax of an unfused attention core also scales and masks
  /// Gradients come from autograd, node by node: the gradient of a residual connection is added to that of
  /// the norm in a separate pass, and the gradients of a norm's weights read its operands again. Compilation
  /// fuses these.
  bool autograd = false;
  LossKernels loss = LossKernels::fused;
  OptimizerKernels optimizer = OptimizerKernels::fused;
  Quantisers quantisers = Quantisers::transformer_engine;
  RoutingKernels routing = RoutingKernels::fused;
  bool fused_permutation = false;  ///< default of training.fused_permutation without hybridep
  bool kernel_per_expert = false;  ///< experts' products are launched one by one, not as one grouped kernel
  /// With training.offload.optimizer: gradients go to the host as soon as backward has reduced them. If false, they
  /// stay on the device until the step ends.
  bool offloads_gradients = false;
  /// The same: if false, fp32 masters stay on the device, and the host has copies of them; if true, they lie on the
  /// host alone.
  bool offloads_masters = true;
  /// The same: a layer's copies to and from the host run beside the update of another. If false, the host waits for
  /// each of them.
  bool overlaps_offload = true;
  /// Gradients are collected in buffers of the bucket's size, which are there from the start: one, and two where
  /// ZeRO-1 or 2 overlaps their reduction.
  bool holds_buckets = false;
  /// ZeRO-3: gathered weights that will soon be used again stay, up to so many elements. 0: none do.
  std::int64_t live_parameters = 0;
  /// The weights of a token's experts multiply the activation between their two products, whose backward then also
  /// makes the weights' gradients: no expert's output is kept. If false, they multiply the outputs.
  bool weighs_activations = false;
  HostConventions host;
  Bytes context{};             ///< device memory taken before the first tensor (driver, communicators)
  double fragmentation = 0.0;  ///< reserved over allocated − 1 of the framework's allocator
};

/// @param release  of the framework; none: a current one. Only conventions for which a source says so depend on
/// it (docs/frameworks.md)
FrameworkConventions framework_conventions(Framework framework,
                                           const std::optional<Release>& release = std::nullopt);

}  // namespace foreshard
