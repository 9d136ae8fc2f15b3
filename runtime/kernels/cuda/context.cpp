#include "runtime/device/cuda/cuda_check.hpp"
#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#ifdef FORESHARD_HAS_CUDNN
#include "runtime/kernels/cuda/cudnn_attention.hpp"
#endif
#include "runtime/kernels/cuda/products.hpp"
#include "runtime/kernels/cuda/rope_tables.hpp"

namespace foreshard::cuda {

Context::Context(int index) {
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  check_cuda(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, index),
             "cudaDeviceGetAttribute");
  void* scratch = nullptr;
  check_cuda(cudaMalloc(&scratch, kScratchBytes), "cudaMalloc of scratch memory");
  scratch_ = static_cast<float*>(scratch);
  products_ = std::make_unique<Products>();
  rope_tables_ = std::make_unique<RopeTables>();
#ifdef FORESHARD_HAS_CUDNN
  cudnn_ = std::make_unique<CudnnAttention>();
#endif
}

Context::~Context() {
  cudaFree(scratch_);
  cudaStreamDestroy(stream_);
}

void run(Context& context, const GemmCall& call) { context.products().run(context.stream(), call); }

void run(Context& context, const AttentionCall& call) {
#ifdef FORESHARD_HAS_CUDNN
  if (context.cudnn().run(context, call)) return;
#endif
  run_own_attention(context, call);
}

std::size_t cudnn_version() {
#ifdef FORESHARD_HAS_CUDNN
  return cudnnGetVersion();
#else
  return 0;
#endif
}

}  // namespace foreshard::cuda
