#pragma once

#include <cuda_runtime_api.h>

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// Attention in this project's own kernels, for calls that cuDNN does not support: any head size up to 256,
/// bf16 or fp32, memory linear in the sequence. It computes in fp32 without tensor cores.
void run_own_attention(Context& context, const AttentionCall& call);
void run_own_attention(Context& context, const GatheredAttentionCall& call);

/// Transposes each matrix of a batch: to (batch,columns,rows) = from (batch,rows,columns).
void transpose_rows(Context& context, const float* from, float* to, std::int64_t batch, std::int64_t rows,
                    std::int64_t columns);

}  // namespace foreshard::cuda
