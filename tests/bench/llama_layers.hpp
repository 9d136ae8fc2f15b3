#pragma once

#include <cstdint>
#include <vector>

#include "runtime/device/kernel_call.hpp"
#include "tests/bench/gpu_bench.hpp"

namespace foreshard {

inline constexpr std::int64_t kTokens = 8192;

struct LlamaShape {
  const char* name;
  std::int64_t hidden, ffn, heads, kv_heads;
};
inline constexpr LlamaShape k8B{"8B", 4096, 14336, 32, 8};
inline constexpr LlamaShape k70B{"70B", 8192, 28672, 64, 8};

/// y = x·wᵀ, dx = dy·w, dw = dyᵀ·x: what a linear layer runs.
struct Linear {
  GemmCall forward;
  GemmCall to_input;
  GemmCall to_weight;
};
Linear linear(GpuBench& bench, const Buffer& x, const Buffer& dy, std::int64_t in, std::int64_t out);

/// The kernels of one half of a Llama 3 layer, forward and backward, with norm and residual, in bf16, as one
/// rank of `tp` runs them.
struct HalfLayer {
  std::vector<KernelCall> calls;
  double flops = 0.0;
};
HalfLayer ffn_layer(GpuBench& bench, const LlamaShape& model, std::int64_t tp);

struct AttentionLayer : HalfLayer {
  KernelCall core;
  KernelCall core_backward;
  double square = 0.0;  ///< sequence² × width of the heads: half of it, twice, is a product's
};
AttentionLayer attention_layer(GpuBench& bench, const LlamaShape& model, std::int64_t tp);

}  // namespace foreshard
