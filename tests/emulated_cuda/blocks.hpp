#pragma once

#include <cstddef>
#include <functional>

#include <cuda_runtime_api.h>

namespace emulated_cuda {

/// Runs a kernel, one block after the other. The threads of a block are fibers that take turns: a thread runs
/// until it waits at a barrier or exchange. Their order is drawn at random each time, so that missing
/// barriers are found.
/// @param body  the code of one thread; threadIdx, blockIdx, … have its indices
/// @throws std::logic_error if threads of a block wait at different barriers, which would be for ever
void run_blocks(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& body);

/// Enqueues such a run on a stream.
void start_blocks(cudaStream_t stream, dim3 grid, dim3 block, std::size_t shared_bytes,
                  std::function<void()> body);

/// The block's dynamic shared memory.
float* dynamic_shared();

}  // namespace emulated_cuda
