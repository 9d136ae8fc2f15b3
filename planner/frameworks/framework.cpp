#include "planner/frameworks/framework.hpp"

namespace foreshard {
namespace {

constexpr Bytes mebibytes(std::int64_t count) { return Bytes(checked_product(count, 1024, 1024)); }

// Every value below, its source, and where it is assumed: docs/frameworks.md.

/// A gather or scatter of DeepSpeed's ZeRO-3 with a list of shards, without what each shard takes: hooks, status, waits for
/// the device. 0.38 ms before and in the call on 8 ranks (DeepSpeed issue 1069), of which 8 shards take 0.08 ms.
constexpr Seconds kListCall(300e-6);

constexpr HostConventions kMegatronHost{
    .operation = Seconds(8.5e-6),
    .linear = Seconds(31e-6),
    .collective = Seconds(20e-6),
    .awaits_counts = true,
    .awaits_loss = true,
    .awaits_norm = true,
    .awaits_transfers = true,
};

// TransformerEngine before its host time was cut.
constexpr Release kLighterModules{2025, 8};
constexpr Seconds kEarlierLinear(110e-6);

// Megatron-LM's buckets grow with the number of replicas from this release on.
constexpr Release kBucketsOfReplicas{2024, 4};
// Megatron-LM's experts multiply by the weights of the choice in their activation from this release on.
constexpr Release kWeighedActivations{2025, 5};

// From this release on Megatron-LM has fused kernels for permutations (--moe-permute-fusion), which NVIDIA's recipes use.
constexpr Release kFusedPermutation{2025, 2};

// Layers of Megatron-LM as they were until 2022, in single PyTorch operations.
constexpr Release kTransformerEngine{2023, 1};
constexpr HostConventions kMegatronDeepspeedHost{
    .operation = Seconds(50e-6),
    .linear = Seconds(0.0),
    .collective = Seconds(50e-6),
    .list_call = kListCall,
    .awaits_counts = true,
    .awaits_loss = false,
    .awaits_norm = true,
    .awaits_transfers = true,
};

constexpr HostConventions kTorchHost{
    .operation = Seconds(8.5e-6),
    .linear = Seconds(0.0),
    .collective = Seconds(20e-6),
    .awaits_counts = true,
    .awaits_loss = false,
    .awaits_norm = false,
    .awaits_transfers = false,
};

constexpr HostConventions kDeepspeedHost{
    .operation = Seconds(8.5e-6),
    .linear = Seconds(0.0),
    .collective = Seconds(20e-6),
    .list_call = kListCall,
    .awaits_counts = true,
    .awaits_loss = false,
    .awaits_norm = true,
    .awaits_transfers = false,
};

constexpr FrameworkConventions kMegatron{
    .gradient_dtype = DType::fp32,
    .fp16_gradient_dtype = DType::fp16,
    .fp32_master_weights = true,
    .bucket_gradients = 40'000'000,
    .buckets_for_overlap = true,
    .overlap = {},
    .regather_sequence = true,
    .recompute_whole_layer = true,
    .compiled = true,
    .dropout = true,
    .scatter_pipeline = true,
    .prefetch_layers = 1,
    .fp32_logits = true,
    .fused_accumulation = true,
    .gradient_placeholders = true,
    .average_pass = true,
    .flat_buffers = false,
    .fused_kernels = true,
    .fused_softmax = true,
    .autograd = true,
    .loss = LossKernels::vocab_parallel,
    .optimizer = OptimizerKernels::multi_tensor,
    .quantisers = Quantisers::transformer_engine,
    .routing = RoutingKernels::megatron,
    .kernel_per_expert = true,
    .offloads_gradients = false,
    .offloads_masters = false,
    .overlaps_offload = false,
    .host = kMegatronHost,
    .context = mebibytes(1331),
    .fragmentation = 0.04,
};

constexpr FrameworkConventions kMegatronDeepspeed{
    .gradient_dtype = DType::fp16,
    .fp16_gradient_dtype = DType::fp16,
    .fp32_master_weights = true,
    .bucket = Bytes(0),
    .overlap = {},
    .regather_sequence = true,
    .recompute_whole_layer = true,
    .compiled = true,
    .dropout = true,
    .scatter_pipeline = true,
    .prefetch_layers = 1,
    .fp32_logits = true,
    .fused_accumulation = false,
    .gradient_placeholders = false,
    .average_pass = true,
    .flat_buffers = false,
    .fused_kernels = true,
    .fused_softmax = true,
    .autograd = true,
    .loss = LossKernels::vocab_parallel,
    .optimizer = OptimizerKernels::multi_tensor,
    .quantisers = Quantisers::transformer_engine,
    .routing = RoutingKernels::megatron,
    .kernel_per_expert = true,
    .offloads_gradients = true,
    .offloads_masters = true,
    .overlaps_offload = false,
    .host = kMegatronDeepspeedHost,
    .context = mebibytes(1331),
    .fragmentation = 0.05,
};

constexpr FrameworkConventions kTorchFsdp{
    .gradient_dtype = DType::fp32,
    .fp16_gradient_dtype = DType::fp32,
    .fp32_master_weights = false,
    .bucket = mebibytes(25),
    .overlap = {.tp = TpOverlap::none, .dp = true, .pp = false, .cp = false, .ep = EpOverlap::none},
    .regather_sequence = false,
    .recompute_whole_layer = false,
    .compiled = false,
    .dropout = false,
    .scatter_pipeline = false,
    .prefetch_layers = 1,
    .one_shard_stream = true,
    .fp32_logits = true,
    .fused_accumulation = false,
    .gradient_placeholders = false,
    .average_pass = false,
    .flat_buffers = true,
    .copies_sequences = true,
    .finds_single_products = true,
    .fused_kernels = false,
    .fused_softmax = false,
    .autograd = true,
    .loss = LossKernels::torch,
    .optimizer = OptimizerKernels::foreach,
    .quantisers = Quantisers::torchao,
    .routing = RoutingKernels::torch,
    .kernel_per_expert = false,
    .offloads_gradients = true,
    .offloads_masters = true,
    .host = kTorchHost,
    .context = mebibytes(1024),
    .fragmentation = 0.05,
};

constexpr FrameworkConventions kDeepspeed{
    .gradient_dtype = DType::bf16,
    .fp16_gradient_dtype = DType::fp16,
    .fp32_master_weights = true,
    .bucket = Bytes(1'000'000'000),  // 500 million elements of 2 bytes
    .overlap = {.tp = TpOverlap::none, .dp = true, .pp = false, .cp = false, .ep = EpOverlap::none},
    .regather_sequence = true,
    .recompute_whole_layer = true,
    .compiled = false,
    .dropout = false,
    .scatter_pipeline = true,
    .prefetch_layers = 1,
    .one_shard_stream = true,
    .dispatcher = Dispatcher::loop,
    .fp32_logits = true,
    .fused_accumulation = false,
    .gradient_placeholders = false,
    .average_pass = true,
    .flat_buffers = true,
    .fused_kernels = false,
    .fused_softmax = false,
    .autograd = true,
    .loss = LossKernels::torch,
    .optimizer = OptimizerKernels::multi_tensor,
    .quantisers = Quantisers::transformer_engine,
    .routing = RoutingKernels::torch,
    .kernel_per_expert = true,
    .offloads_gradients = true,
    .offloads_masters = true,
    .overlaps_offload = false,
    .holds_buckets = true,
    .live_parameters = 1'000'000'000,
    .host = kDeepspeedHost,
    .context = mebibytes(1331),
    .fragmentation = 0.05,
};

constexpr FrameworkConventions kNanotron{
    .gradient_dtype = DType::fp32,
    .fp16_gradient_dtype = DType::fp32,
    .fp32_master_weights = true,
    .bucket = mebibytes(50),  // 25 MiB of 16-bit gradients
    .overlap = {.tp = TpOverlap::none, .dp = true, .pp = false, .cp = false, .ep = EpOverlap::none},
    .regather_sequence = false,
    .recompute_whole_layer = true,
    .compiled = false,
    .dropout = false,
    .scatter_pipeline = false,
    .prefetch_layers = 1,
    .fp32_logits = true,
    .fused_accumulation = false,
    .gradient_placeholders = false,
    .average_pass = false,
    .flat_buffers = false,
    .lists_of_buckets = true,
    .fused_kernels = true,
    .fused_softmax = false,
    .autograd = true,
    .loss = LossKernels::vocab_parallel,
    .optimizer = OptimizerKernels::multi_tensor,
    .quantisers = Quantisers::transformer_engine,
    .routing = RoutingKernels::torch,
    .kernel_per_expert = false,
    .offloads_gradients = false,
    .offloads_masters = true,
    .host = kTorchHost,
    .context = mebibytes(1331),
    .fragmentation = 0.05,
};

constexpr FrameworkConventions kForeshard{
    .gradient_dtype = DType::fp32,
    .fp16_gradient_dtype = DType::fp32,
    .fp32_master_weights = true,
    .bucket = mebibytes(25),
    .overlap = {.tp = TpOverlap::wgrad, .dp = true, .pp = true, .cp = false, .ep = EpOverlap::none},
    .regather_sequence = true,
    .recompute_whole_layer = true,
    .compiled = true,
    .dropout = false,
    .scatter_pipeline = false,
    .prefetch_layers = 1,
    .fp32_logits = true,
    .fused_accumulation = true,
    .gradient_placeholders = false,
    .average_pass = false,
    .flat_buffers = false,
    .fused_kernels = true,
    .fused_softmax = true,
    .autograd = false,
    .loss = LossKernels::fused,
    .optimizer = OptimizerKernels::fused,
    .quantisers = Quantisers::fused,
    .offloads_gradients = false,
    .offloads_masters = true,
    .host = {},
    .context = mebibytes(768),
    .fragmentation = 0.02,
};

// DeepSpeed's ZeRO-3 passes lists of shards before this release.
constexpr Release kOneBufferOfShards{2022, 1};

/// DeepSpeed's ZeRO-3, by release: with lists, shards are copied into and out of one buffer.
FrameworkConventions with_shards_of(FrameworkConventions framework, const std::optional<Release>& release) {
  framework.shard_lists = release && *release < kOneBufferOfShards;
  framework.flat_buffers |= framework.shard_lists;
  return framework;
}

/// Megatron-LM's host, by release.
HostConventions megatron_host(const std::optional<Release>& release) {
  HostConventions host = kMegatronHost;
  if (release && *release < kTransformerEngine) {
    host.operation = kMegatronDeepspeedHost.operation;
    host.linear = kMegatronDeepspeedHost.linear;
    host.collective = kMegatronDeepspeedHost.collective;
  } else if (release && *release < kLighterModules) {
    host.linear = kEarlierLinear;
  }
  return host;
}

}  // namespace

FrameworkConventions framework_conventions(Framework framework, const std::optional<Release>& release) {
  switch (framework) {
    case Framework::megatron: {
      FrameworkConventions megatron = kMegatron;
      megatron.host = megatron_host(release);
      megatron.bucket_gradients_per_replica = !release || *release >= kBucketsOfReplicas ? 1'000'000 : 0;
      megatron.weighs_activations = !release || *release >= kWeighedActivations;
      megatron.fused_permutation = !release || *release >= kFusedPermutation;
      return megatron;
    }
    case Framework::megatron_deepspeed: return with_shards_of(kMegatronDeepspeed, release);
    case Framework::torch_fsdp: return kTorchFsdp;
    case Framework::deepspeed: return with_shards_of(kDeepspeed, release);
    case Framework::nanotron: return kNanotron;
    case Framework::foreshard: break;
  }
  return kForeshard;
}

}  // namespace foreshard
