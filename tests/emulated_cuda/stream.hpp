#pragma once

#include <functional>

#include <cuda_runtime_api.h>

namespace emulated_cuda {

/// Work of a stream. It is called repeatedly, after all earlier work of the stream is done, until it returns
/// true: done.
using Work = std::function<bool()>;

/// Enqueues work. Nothing runs until somebody waits; then the streams run in a random order, so that missing
/// events between streams are found.
void enqueue(cudaStream_t stream, Work work);

}  // namespace emulated_cuda
