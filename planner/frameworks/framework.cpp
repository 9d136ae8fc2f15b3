#include "planner/frameworks/framework.hpp"

namespace foreshard {
namespace {

constexpr Bytes mebibytes(std::int64_t count) { return Bytes(checked_product(count, 1024, 1024)); }

// Every value below, its source, and where it is assumed: docs/frameworks.md.

constexpr FrameworkConventions kMegatron{
    .gradient_dtype = DType::fp32,
    .fp16_gradient_dtype = DType::fp16,
    .fp32_master_weights = true,
    .bucket = Bytes(160'000'000),  // 40 million parameters in fp32
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
    .fused_kernels = false,
    .fused_softmax = false,
    .autograd = true,
    .loss = LossKernels::torch,
    .optimizer = OptimizerKernels::foreach,
    .quantisers = Quantisers::torchao,
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
    .context = mebibytes(1331),
    .fragmentation = 0.05,
};

constexpr FrameworkConventions kNanotron{
    .gradient_dtype = DType::fp32,
    .fp16_gradient_dtype = DType::fp32,
    .fp32_master_weights = true,
    .bucket = Bytes(1),  // each tensor by itself
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
    .fused_kernels = true,
    .fused_softmax = false,
    .autograd = true,
    .loss = LossKernels::vocab_parallel,
    .optimizer = OptimizerKernels::multi_tensor,
    .quantisers = Quantisers::transformer_engine,
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
    .context = mebibytes(768),
    .fragmentation = 0.02,
};

}  // namespace

FrameworkConventions framework_conventions(Framework framework) {
  switch (framework) {
    case Framework::megatron: return kMegatron;
    case Framework::megatron_deepspeed: return kMegatronDeepspeed;
    case Framework::torch_fsdp: return kTorchFsdp;
    case Framework::deepspeed: return kDeepspeed;
    case Framework::nanotron: return kNanotron;
    case Framework::foreshard: break;
  }
  return kForeshard;
}

}  // namespace foreshard
