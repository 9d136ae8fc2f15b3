#include "runtime/cuda/cuda_check.hpp"

#include <fmt/format.h>

namespace foreshard {
namespace {

constexpr std::string_view kHintForMemory = "use a smaller micro-batch, more recomputation, or more ranks";

std::string_view hint_for(cudaError_t result) {
  switch (result) {
    case cudaErrorNoDevice: return "nvidia-smi lists the GPUs; CUDA_VISIBLE_DEVICES may hide them";
    case cudaErrorInsufficientDriver: return "update the NVIDIA driver, or build with an older CUDA toolkit";
    case cudaErrorMemoryAllocation: return kHintForMemory;
    case cudaErrorNoKernelImageForDevice:
      return "build for this GPU: cmake -DCMAKE_CUDA_ARCHITECTURES=native";
    default: return "compute-sanitizer and CUDA_LAUNCH_BLOCKING=1 show which kernel failed";
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

std::byte* allocate_on_gpu(std::int64_t bytes) {
  void* memory = nullptr;
  const cudaError_t result = cudaMalloc(&memory, static_cast<std::size_t>(bytes));
  if (result == cudaErrorMemoryAllocation) {
    std::size_t free = 0;
    std::size_t total = 0;
    static_cast<void>(cudaGetLastError());
    check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
    throw CudaError(fmt::format(
        "out of GPU memory: {:.2f} GiB are wanted; of {:.2f} GiB, {:.2f} are used and {:.2f} free\nhint: {}",
        static_cast<double>(bytes) / kGiB, static_cast<double>(total) / kGiB,
        static_cast<double>(total - free) / kGiB, static_cast<double>(free) / kGiB, kHintForMemory));
  }
  check_cuda(result, "cudaMalloc");
  return static_cast<std::byte*>(memory);
}

}  // namespace foreshard
