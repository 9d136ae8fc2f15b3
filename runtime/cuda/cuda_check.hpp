#pragma once

#include <cstddef>
#include <cstdint>
#include <cublasLt.h>
#include <stdexcept>
#include <string_view>

#include <cuda_runtime_api.h>

namespace foreshard {

/// A GPU or a library of its failed; the message names the call, the library's own words and what to try. The
/// run adds rank and operation. Exit code 3.
class CudaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a call returned, held to be a success. @throws CudaError
void check_cuda(cudaError_t result, std::string_view call);
void check_cublas(cublasStatus_t result, std::string_view call);

/// Memory of the thread's current GPU, to be given back with cudaFree. @throws CudaError that says what is
/// wanted, used and free where there is too little
std::byte* allocate_on_gpu(std::int64_t bytes);

}  // namespace foreshard
