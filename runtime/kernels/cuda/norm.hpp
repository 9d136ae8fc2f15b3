#pragma once

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// NormCall of heads that stand side by side. @pre call.heads > 0
void run_head_norm(Context& context, const NormCall& call);

}  // namespace foreshard::cuda
