#pragma once

#include "runtime/backend/cuda_backend.hpp"

namespace foreshard {

/// The backend. The first call loads libforeshard-cuda.so from the path in FORESHARD_CUDA_LIBRARY, else from
/// the folder of the program, else from the library folder next to that one (`../lib`).
/// @throws std::runtime_error that says what is missing: the library itself, or a library that it needs
const CudaBackend& cuda_backend();

}  // namespace foreshard
