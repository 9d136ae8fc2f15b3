#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// Where the numbers of one head of one token begin, the heads of tokens of sequences: distances in elements.
struct HeadsInMemory {
  void* data = nullptr;
  std::int64_t sequence = 0;  ///< from one sequence's to the next one's
  std::int64_t token = 0;
  std::int64_t head = 0;
};

/// Scaled-dot-product attention in bf16, of the last `queries` positions of each of `batch` sequences of
/// `keys` positions: under a causal mask query i sees the keys up to keys − queries + i. Query head h reads
/// kv head h / (heads / kv_heads); scores are scaled by 1/√key_dim.
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
  float* lse = nullptr;   ///< (batch, heads, queries), dense: written forward, read backward
  HeadsInMemory d_out{};  ///< backward, as the next three: written
  HeadsInMemory dq{};
  HeadsInMemory dk{};
  HeadsInMemory dv{};
};

/// A library's fused attention on the matrix units: memory linear in the sequence.
class FusedAttention {
 public:
  virtual ~FusedAttention() = default;
  /// Scratch memory that a call takes; none where the library has no engine for its shape on this GPU.
  /// Compiles the engine where the shape is new.
  virtual std::optional<std::int64_t> scratch_bytes(const AttentionCore& core) = 0;
  /// @pre scratch_bytes() has a value; `scratch` holds as many
  virtual void run(cudaStream_t stream, const AttentionCore& core, std::byte* scratch) = 0;
};

/// cuDNN's; null where it was not found when this was built.
std::unique_ptr<FusedAttention> make_fused_attention();

/// These run a call in bf16 by the library. False, and nothing is run, where there is none or it does not
/// take the call.
bool run_fused(Context& context, const AttentionCall& call);
bool run_fused(Context& context, const SpreadAttentionCall& call);

}  // namespace foreshard::cuda
