#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// A tensor (sequences, tokens, heads, dim) in memory: strides in elements. The numbers of one head are
/// contiguous.
struct HeadsInMemory {
  void* data = nullptr;
  std::int64_t sequence = 0;  ///< stride between sequences
  std::int64_t token = 0;
  std::int64_t head = 0;
};

/// Scaled-dot-product attention in bf16. The queries are the last `queries` of the `keys` positions of each
/// sequence: under a causal mask query i attends to the keys 0 … keys − queries + i. Query head h uses kv
/// head h / (heads / kv_heads); scores are scaled by 1/√key_dim.
struct AttentionCore {
  bool backward = false;
  bool causal = true;
  std::int64_t batch = 1;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t key_dim = 0;    ///< of q and k
  std::int64_t value_dim = 0;  ///< of v and out
  HeadsInMemory q{};
  HeadsInMemory k{};
  HeadsInMemory v{};
  HeadsInMemory out{};    ///< written forward, read backward
  float* lse = nullptr;   ///< (batch, heads, queries), contiguous: written forward, read backward
  HeadsInMemory d_out{};  ///< backward: read; dq, dk and dv are written
  HeadsInMemory dq{};
  HeadsInMemory dk{};
  HeadsInMemory dv{};
};

/// A library's fused attention on tensor cores; its memory is linear in the sequence.
class FusedAttention {
 public:
  virtual ~FusedAttention() = default;
  /// Bytes of scratch memory that a call needs; nothing if the library has no engine for the shape on this
  /// GPU. Compiles the engine of a new shape.
  virtual std::optional<std::int64_t> scratch_bytes(const AttentionCore& core) = 0;
  /// @pre scratch_bytes(core) has a value; `scratch` has that many bytes
  virtual void run(cudaStream_t stream, const AttentionCore& core, std::byte* scratch) = 0;
};

/// cuDNN's fused attention; null if this was built without cuDNN.
std::unique_ptr<FusedAttention> make_fused_attention();

/// Run a bf16 call in the library, without its sinks. They return false, and run nothing, if there is no library or it
/// does not support the call. Calls with windows or chunks are not offered to it.
bool run_fused(Context& context, const AttentionCall& call);
bool run_fused(Context& context, const GatheredAttentionCall& call);

}  // namespace foreshard::cuda
