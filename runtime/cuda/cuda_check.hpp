#pragma once

#include <cstddef>
#include <cstdint>
#include <cublasLt.h>
#include <stdexcept>
#include <string_view>

#include <cuda_runtime_api.h>

namespace foreshard {

/// A GPU or one of its libraries failed. The message has the call, the library's error text and what to try;
/// the run adds rank and operation. Exit code 3.
class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Check that a call succeeded. @throws CudaError
void check_cuda(cudaError_t result, std::string_view call);
void check_cublas(cublasStatus_t result, std::string_view call);

/// Memory of the thread's current GPU; free it with cudaFree. @throws CudaError with the bytes wanted, used
/// and free if there is too little
std::byte* allocate_on_gpu(std::int64_t bytes);

}  // namespace foreshard
