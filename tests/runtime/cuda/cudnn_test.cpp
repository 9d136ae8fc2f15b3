// Which attention cuDNN is to take: the shapes of real models, whatever their grouping.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "tests/runtime/cuda/gpu_checks.hpp"
#ifdef FORESHARD_HAS_CUDNN
#include "runtime/kernels/cuda/cudnn_attention.hpp"

using namespace foreshard;
using namespace foreshard::test;

TEST_CASE("cuDNN has engines for bf16 heads of 64 and 128, grouped or not, causal or not") {
  gpu();
  cuda::CudnnAttention attention;
  for (const std::int64_t dim : {64, 128}) {
    for (const std::int64_t kv_heads : {8, 2, 1}) {
      for (const bool causal : {true, false}) {
        for (const bool backward : {false, true}) {
          CAPTURE(dim, kv_heads, causal, backward);
          CHECK_NOTHROW(attention.prepare({.backward = backward,
                                           .causal = causal,
                                           .batch = 2,
                                           .sequence = 512,
                                           .heads = 8,
                                           .kv_heads = kv_heads,
                                           .head_dim = dim}));
        }
      }
    }
  }
}
#endif
