// The attention shapes that cuDNN must support: those of real models.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "tests/runtime/cuda/gpu_checks.hpp"
#ifdef FORESHARD_HAS_CUDNN
#include "runtime/kernels/cuda/cudnn_attention.hpp"

namespace foreshard::test::cudnn_kernel {

namespace {

/// Contiguous heads in the rows of a matrix.
cuda::AttentionCore core_of(std::int64_t queries, std::int64_t keys, std::int64_t kv_heads,
                            std::int64_t key_dim, std::int64_t value_dim) {
  constexpr std::int64_t kHeads = 8;
  cuda::AttentionCore core{.batch = 2,
                           .queries = queries,
                           .keys = keys,
                           .heads = kHeads,
                           .kv_heads = kv_heads,
                           .key_dim = key_dim,
                           .value_dim = value_dim};
  const auto rows = [](std::int64_t length, std::int64_t heads, std::int64_t dim) {
    return cuda::HeadsInMemory{nullptr, length * heads * dim, heads * dim, dim};
  };
  core.q = core.dq = rows(queries, kHeads, key_dim);
  core.k = core.dk = rows(keys, kv_heads, key_dim);
  core.v = core.dv = rows(keys, kv_heads, value_dim);
  core.out = core.d_out = rows(queries, kHeads, value_dim);
  return core;
}

void check_taken(cuda::AttentionCore core) {
  cuda::CudnnAttention attention;
  for (const bool causal : {true, false}) {
    for (const bool backward : {false, true}) {
      CAPTURE(causal, backward);
      core.causal = causal;
      core.backward = backward;
      CHECK_NOTHROW(attention.prepare(core));
    }
  }
}

}  // namespace

TEST_CASE("cuDNN has engines for bf16 heads of 64 and 128, grouped or not, causal or not") {
  gpu();
  for (const std::int64_t dim : {64, 128}) {
    for (const std::int64_t kv_heads : {8, 2, 1}) {
      CAPTURE(dim, kv_heads);
      check_taken(core_of(512, 512, kv_heads, dim, dim));
    }
  }
}

TEST_CASE("cuDNN has engines for the last queries of sequences") {
  gpu();
  for (const std::int64_t keys : {512, 1024, 3584}) {
    CAPTURE(keys);
    check_taken(core_of(512, keys, 2, 128, 128));
  }
}

TEST_CASE("cuDNN has engines for latent attention: keys of 192, values of 128") {
  gpu();
  check_taken(core_of(512, 512, 8, 192, 128));
  check_taken(core_of(256, 1024, 8, 192, 128));
}
#endif

}  // namespace foreshard::test::cudnn_kernel
