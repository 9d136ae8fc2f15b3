#pragma once

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// A NormCall of query and key heads. @pre call.heads > 0
void run_head_norm(Context& context, const NormCall& call);

}  // namespace foreshard::cuda
