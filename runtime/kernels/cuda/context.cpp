#include "runtime/cuda/cuda_check.hpp"
#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/fused_attention.hpp"
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
  fused_attention_ = make_fused_attention();
}

Context::~Context() {
  cudaFree(scratch_);
  cudaFree(workspace_);
  cudaStreamDestroy(stream_);
}

std::byte* Context::workspace(std::int64_t bytes) {
  if (workspace_bytes_ < bytes) {
    check_cuda(cudaFree(workspace_), "cudaFree");  // cudaFree waits for the kernels that still use it
    workspace_ = nullptr;
    workspace_bytes_ = 0;
    workspace_ = allocate_on_gpu(bytes);
    workspace_bytes_ = bytes;
  }
  return workspace_;
}

void run(Context& context, const GemmCall& call) { context.products().run(context.stream(), call); }

namespace {

template <class Call>
void run_attention(Context& context, const Call& call) {
  if (!run_fused(context, call)) run_own_attention(context, call);
  run_sinks(
      context, call.backward,
      {.out = call.out, .lse = call.lse, .d_out = call.d_out, .sinks = call.sinks, .d_sinks = call.d_sinks});
}

}  // namespace

void run(Context& context, const AttentionCall& call) { run_attention(context, call); }

void run(Context& context, const GatheredAttentionCall& call) { run_attention(context, call); }

}  // namespace foreshard::cuda
