#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "planner/frameworks/framework.hpp"
#include "planner/spec/types/cluster_spec.hpp"
#include "planner/spec/types/documents_spec.hpp"
#include "planner/spec/types/failure_spec.hpp"
#include "planner/spec/types/lora_spec.hpp"
#include "planner/spec/types/loss_spec.hpp"
#include "planner/spec/types/model_spec.hpp"
#include "planner/spec/types/offload_spec.hpp"
#include "planner/spec/types/precision_spec.hpp"
#include "planner/spec/types/recompute_spec.hpp"
#include "planner/spec/types/states_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

enum class CpStyle : std::uint8_t { ring, all_gather, ulysses };
enum class StagePolicy : std::uint8_t { even, by_cost, listed };
enum class AttentionKind : std::uint8_t { flash, unfused };
enum class Launch : std::uint8_t { async, blocking };
enum class ScheduleKind : std::uint8_t {
  gpipe,
  one_f_one_b,
  interleaved,
  zero_bubble,
  zero_bubble_2p,
  zb_v,
  dualpipe_v
};
enum class MemoryKind : std::uint8_t { allocated, reserved, other };
enum class RunOutcome : std::uint8_t { ran, oom };

/// Where a pipeline layout has the modules of multi-token prediction.
struct MtpPlace {
  std::int64_t piece = 0;    ///< from 0, in model order
  std::int64_t modules = 0;  ///< how many modules the layout lists
  friend bool operator==(const MtpPlace&, const MtpPlace&) = default;
};

/// Degrees of parallelism, all at least 1. The number of devices is tp · pp · cp · dp. Routed experts have a mesh
/// of their own over the same devices of a stage: tp · cp · dp = etp · ep · edp (Megatron's folding,
/// arXiv:2504.14960).
struct ParallelismSpec {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t vp = 1;  ///< model chunks per stage (interleaved schedules)
  std::int64_t cp = 1;
  std::int64_t ep = 1;
  /// Tensor parallelism of routed experts; none: as expert_tp() says.
  std::optional<std::int64_t> etp{};
  std::int64_t dp = 1;
  bool sequence_parallel = false;
  int zero = 0;  ///< 0 … 3
  /// Data-parallel ranks over which ZeRO shards; the others hold copies of the shards (hybrid sharding). None:
  /// all of dp.
  std::optional<std::int64_t> dp_shard{};
  /// ZeRO-3 as ZeRO++ has it (arXiv:2306.10209): weights are gathered in 8 bits (qwZ); gradients are scattered in 4
  /// bits, within a node and then between nodes (qgZ); each rank keeps a second copy of its weights' share among so
  /// many consecutive ranks, from which backward gathers (hpZ). None: no second copy.
  bool zero_quantized_weights = false;
  bool zero_quantized_gradients = false;
  std::optional<std::int64_t> zero_hpz{};
  /// Consecutive data-parallel ranks of one node, over which qgZ scatters first.
  std::int64_t replicas_of_node = 1;
  CpStyle cp_style = CpStyle::ring;
  StagePolicy stage_policy = StagePolicy::even;
  std::vector<std::int64_t> stage_layers;  ///< one per stage (pp · vp chunks in model order) when listed
  std::optional<MtpPlace> mtp_place{};     ///< of a listed layout; none: on the last piece

  /// Devices of one pipeline stage.
  [[nodiscard]] std::int64_t stage_devices() const { return checked_product(tp, cp, dp); }
  /// Tensor parallelism of routed experts. Where the job does not say it: tp, or 1 if experts cut over tp leave
  /// too few devices for ep.
  [[nodiscard]] std::int64_t expert_tp() const {
    if (etp) return *etp;
    return ep < 1 || checked_product(cp, dp) % ep == 0 ? tp : 1;
  }
  /// Replicas of one routed expert: edp.
  [[nodiscard]] std::int64_t expert_replicas() const {
    return stage_devices() / checked_product(expert_tp(), ep);
  }
  /// The stage with the copy of the embedding table that a tied output head or multi-token prediction reads.
  [[nodiscard]] std::int64_t table_copy_stage() const { return mtp_place ? mtp_place->piece % pp : pp - 1; }
  /// Ranks that hold the same shard.
  [[nodiscard]] std::int64_t shard_copies() const { return dp / dp_shard.value_or(dp); }
  /// Parts of the data-parallel ranks that exchange shards in two steps: the copies of hybrid sharding, and the nodes
  /// of ZeRO++.
  [[nodiscard]] std::int64_t shard_parts() const {
    if (zero_hpz) return dp / *zero_hpz;
    return zero_quantized_gradients ? dp / std::gcd(replicas_of_node, dp) : shard_copies();
  }
};

/// The length of a training, in passes over its data.
struct DatasetSpec {
  double epochs = 1.0;
  std::int64_t samples = 0;  ///< sequences per epoch
  friend bool operator==(const DatasetSpec&, const DatasetSpec&) = default;
};

/// Sizes of what a framework gathers and reduces at a time, in elements; none: the framework's. Names in DeepSpeed's
/// file of settings.
struct BucketSpec {
  std::optional<std::int64_t> reduce{};    ///< reduce_bucket_size
  std::optional<std::int64_t> prefetch{};  ///< stage3_prefetch_bucket_size
  std::optional<std::int64_t> live{};      ///< stage3_max_live_parameters
  friend bool operator==(const BucketSpec&, const BucketSpec&) = default;
};

/// The most rows that an expert takes, as a multiple of the mean (Switch Transformers, arXiv:2101.03961). Rows beyond
/// are dropped; with `pad`, every expert gets that many, empty ones included.
struct CapacitySpec {
  double factor = 1.0;
  bool pad = false;
  friend bool operator==(const CapacitySpec&, const CapacitySpec&) = default;
};

struct TrainingSpec {
  std::int64_t sequence_length = 0;  ///< tokens
  std::int64_t global_batch = 0;     ///< sequences per step
  std::int64_t micro_batch = 0;      ///< sequences per data-parallel rank and micro-batch
  Precision precision = Precision::bf16;
  AttentionKind attention = AttentionKind::flash;
  std::optional<FlashVersion> flash;  ///< none: the accelerator's usual version
  bool compiled = true;               ///< pointwise operations fused
  DType gradient_dtype = DType::fp32;
  Fp8Scaling fp8_scaling = Fp8Scaling::tensorwise;
  bool says_fp8_scaling = false;  ///< the job's file says it: else it is the framework's
  LowPrecisionSpec low_precision;
  Launch launch = Launch::async;
  Graphs graphs = Graphs::none;  ///< what CUDA graphs capture
  Recompute recompute = Recompute::none;
  std::vector<RecomputeModule> recompute_modules;  ///< if `recompute` is `modules`; each at most once
  RecomputeLayers recompute_layers;
  std::optional<DocumentsSpec> documents;  ///< none: a sequence is one document
  ScheduleKind schedule = ScheduleKind::one_f_one_b;
  OverlapSpec overlap;
  Dispatcher dispatcher = Dispatcher::all_to_all;  ///< of experts' tokens
  std::optional<std::int64_t> dispatcher_sms;  ///< multiprocessors that its kernels hold; none: usual_sms()
  std::optional<bool> fused_kernels;           ///< RMSNorm and rope are a kernel each; none: the framework's
  bool fused_grouped_gemm = false;             ///< experts' products: one kernel, not a call per expert
  bool fused_routing = false;  ///< the choice of experts is a few kernels, not single operations
  /// Rows are brought into the order of the experts by fused kernels; with hybridep, by those of its exchange.
  bool fused_permutation = false;
  bool delay_wgrad = false;  ///< experts' weight gradients are issued behind the exchange of their input's
  DispatchPrecision dispatch_precision = DispatchPrecision::same;
  bool fp8_activation_inputs = false;           ///< SwiGLU's input is kept for backward in fp8
  std::optional<CapacitySpec> expert_capacity;  ///< none: experts take all rows (dropless)
  OptimizerKind optimizer = OptimizerKind::adamw;
  StatesSpec states;
  /// Each layer's weights are updated as soon as its gradients are complete, and the gradients are freed.
  bool optimizer_in_backward = false;
  /// A stage updates its weights when its own gradients are complete, without waiting for the gradient norm of all
  /// stages. The norm is checked in the next step, and an update that it forbids is rolled back.
  bool optimizer_post_validation = false;
  OffloadSpec offload;
  BucketSpec buckets;
  /// PyTorch's allocator grows its segments (expandable_segments:True), which leaves less between blocks.
  bool expandable_segments = true;
  LossSpec loss;
  /// ZeRO-3: weights that were gathered in forward are freed and gathered again in backward. If false, they
  /// are kept until backward (PyTorch's SHARD_GRAD_OP).
  bool reshard_after_forward = true;
  bool dropout = false;                ///< the step runs residual and attention dropout
  std::optional<Tokens> tokens;        ///< length of the whole training
  std::optional<DatasetSpec> dataset;  ///< the same length in epochs; never both
  std::optional<FailureSpec> failures;

  /// True where a part of the training's state lies in the host's memory.
  [[nodiscard]] bool uses_host() const { return offload.any() || states.paged; }
  /// Steps of the whole training; none if the job does not say how long it is. A number of tokens may end
  /// within a step; a number of sequences is rounded up to whole steps.
  [[nodiscard]] std::optional<double> steps() const;
};

/// Published or own measurements of this job.
struct MeasuredSpec {
  std::optional<Seconds> step_time;
  std::optional<Bytes> peak_memory;
  MemoryKind memory_kind = MemoryKind::other;
  std::optional<RunOutcome> outcome;  ///< whether it ran or ran out of memory; a job with a step time ran
  std::string source;
  std::string derived;
  std::string assumed;
  std::string not_judged;  ///< why predictions are not judged by this run; empty: they are
};

/// A training step to be planned. Readers fill in all defaults, so later code need not know which keys the
/// file left out.
struct JobSpec {
  std::string name;
  ModelSpec model;
  ClusterSpec cluster;
  Framework framework = Framework::foreshard;
  std::optional<Release> release{};  ///< of the framework; none: a current one
  ParallelismSpec parallelism;
  TrainingSpec training;
  std::optional<LoraSpec> lora;
  std::optional<MeasuredSpec> measured;
  /// What the real run does and this description leaves out, one sentence each, without a full stop.
  std::vector<std::string> left_out{};

  /// What the job's framework does.
  [[nodiscard]] FrameworkConventions conventions() const { return framework_conventions(framework, release); }
  /// Gradients that are reduced at a time; 0: all of them.
  [[nodiscard]] Bytes bucket() const {
    const FrameworkConventions usual = conventions();
    if (usual.buckets_for_overlap && !training.overlap.dp) return Bytes(0);
    if (training.buckets.reduce) return bytes_of(training.gradient_dtype, *training.buckets.reduce);
    if (usual.bucket_gradients == 0) return usual.bucket;
    const std::int64_t of_replicas = checked_product(usual.bucket_gradients_per_replica, parallelism.dp);
    return bytes_of(training.gradient_dtype, std::max(usual.bucket_gradients, of_replicas));
  }
  /// Micro-batches that one data-parallel rank runs per step.
  [[nodiscard]] std::int64_t micro_batches() const {
    return training.global_batch / (parallelism.dp * training.micro_batch);
  }
};

}  // namespace foreshard
