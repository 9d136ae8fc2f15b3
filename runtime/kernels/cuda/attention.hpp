#pragma once

#include <cuda_runtime_api.h>

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// Attention by this project's own kernels: any head size up to 256, bf16 or fp32, memory linear in the
/// sequence. Plain fp32 arithmetic, not the matrix units: for what the library does not take.
void run_own_attention(Context& context, const AttentionCall& call);
void run_own_attention(Context& context, const SpreadAttentionCall& call);

/// to (batch,columns,rows) = from (batch,rows,columns), matrix by matrix.
void transpose_rows(Context& context, const float* from, float* to, std::int64_t batch, std::int64_t rows,
                    std::int64_t columns);

}  // namespace foreshard::cuda
