#include "runtime/device/cuda/cuda_check.hpp"

#include <fmt/format.h>

namespace foreshard {
namespace {

std::string_view hint_for(cudaError_t result) {
  switch (result) {
    case cudaErrorNoDevice: return "nvidia-smi lists the GPUs; CUDA_VISIBLE_DEVICES may hide them";
    case cudaErrorInsufficientDriver: return "update the NVIDIA driver, or build with an older CUDA toolkit";
    case cudaErrorMemoryAllocation: return "use a smaller micro-batch, more recomputation, or more ranks";
    case cudaErrorNoKernelImageForDevice:
      return "build for this GPU: cmake -DCMAKE_CUDA_ARCHITECTURES=native";
    default: return "compute-sanitizer and CUDA_LAUNCH_BLOCKING=1 say which kernel it was";
  }
}

}  // namespace

void check_cuda(cudaError_t result, std::string_view call) {
  if (result == cudaSuccess) return;
  int driver = 0;
  if (result == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
    throw CudaError("there is no NVIDIA driver on this machine");
  throw CudaError(fmt::format("{} failed: {} ({})\nhint: {}", call, cudaGetErrorString(result),
                              cudaGetErrorName(result), hint_for(result)));
}

void check_cublas(cublasStatus_t result, std::string_view call) {
  if (result == CUBLAS_STATUS_SUCCESS) return;
  throw CudaError(fmt::format("{} failed: {}", call, cublasLtGetStatusString(result)));
}

}  // namespace foreshard
