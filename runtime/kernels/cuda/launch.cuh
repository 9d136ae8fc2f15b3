#pragma once

#include <cstddef>
#include <type_traits>

#include "runtime/cuda/cuda_check.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"

// Starting kernels, and dynamic shared memory: the parts of CUDA that are not C++. The tests also compile the
// kernels as C++ to run them without a GPU; then the emulated CUDA headers (tests/emulated_cuda) provide
// functions instead.

namespace foreshard::cuda {

struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;  ///< of dynamic shared memory
};

/// Enqueues a kernel on the context's stream.
/// @param what  for messages: "a norm"
/// @throws CudaError naming it
template <class... Parameters>
void start(Context& context, const char* what, const LaunchShape& shape, void (*kernel)(Parameters...),
           std::type_identity_t<Parameters>... arguments) {
#ifdef __CUDACC__
  kernel<<<shape.grid, shape.block, shape.shared_bytes, context.stream()>>>(arguments...);
  check_cuda(cudaGetLastError(), what);
#else
  static_cast<void>(what);
  emulated_cuda::start_blocks(context.stream(), shape.grid, shape.block, shape.shared_bytes,
                              [=] { kernel(arguments...); });
#endif
}

/// The block's dynamic shared memory.
__device__ inline float* dynamic_shared() {
#ifdef __CUDACC__
  extern __shared__ float memory[];
  return memory;
#else
  return emulated_cuda::dynamic_shared();
#endif
}

}  // namespace foreshard::cuda
