#pragma once

#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {

/// to_v += Σ over the parts of `partial` (parts,width), in order. `partial` is in the context's scratch
/// memory.
void add_partial_rows(Context& context, const float* partial, std::int64_t parts, std::int64_t width,
                      const Buffer& to);

void sum_squares(Context& context, const PointwiseCall& call);
void bias_gradient(Context& context, const PointwiseCall& call);

}  // namespace foreshard::cuda
