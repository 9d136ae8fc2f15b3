#pragma once

#include <cstddef>
#include <functional>

#include <cuda_runtime_api.h>

namespace emulated_cuda {

/// Runs a kernel: block after block, all threads of a block side by side as fibers that take turns where they
/// wait for one another. In which order they take turns is drawn anew each time, so that a missing barrier
/// shows.
/// @param body  what one thread runs; threadIdx and its like tell which one it is
/// @throws std::logic_error where threads of a block wait in different places, for ever
void run_blocks(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& body);

/// Hands such a run in to a stream.
void start_blocks(cudaStream_t stream, dim3 grid, dim3 block, std::size_t shared_bytes,
                  std::function<void()> body);

/// The block's dynamic shared memory.
float* dynamic_shared();

}  // namespace emulated_cuda
