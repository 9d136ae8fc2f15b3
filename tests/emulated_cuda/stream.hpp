#pragma once

#include <functional>

#include <cuda_runtime_api.h>

namespace emulated_cuda {

/// What a stream is handed: called again and again, once all before it in the stream is done, until it says
/// that it is done.
using Work = std::function<bool()>;

/// Hands in work. It begins when somebody waits: then streams go on in an order drawn anew each time, so that
/// what no event holds back may come too early.
void hand_in(cudaStream_t stream, Work work);

}  // namespace emulated_cuda
