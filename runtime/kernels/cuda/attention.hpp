#pragma once

#include <cuda_runtime_api.h>

#include "runtime/kernels/cuda/cuda_kernels.hpp"

namespace foreshard::cuda {

/// Attention in this project's own kernels, for calls that cuDNN does not support: any head size up to 256,
/// bf16 or fp32, any mask, memory linear in the sequence. It computes in fp32 without tensor cores, and without the
/// sinks.
void run_own_attention(Context& context, const AttentionCall& call);
void run_own_attention(Context& context, const GatheredAttentionCall& call);

/// The results of attention and their gradients, by rows of heads. Shapes: AttentionCall.
struct SinkRows {
  Buffer out{};
  Buffer lse{};
  Buffer d_out{};
  Buffer sinks{};
  Buffer d_sinks{};
};
/// Adds the sinks to the results of attention that was computed without them; or, backward, adds to d_sinks. Does
/// nothing if there are no sinks.
void run_sinks(Context& context, bool backward, const SinkRows& rows);

/// Transposes each matrix of a batch: to (batch,columns,rows) = from (batch,rows,columns).
void transpose_rows(Context& context, const float* from, float* to, std::int64_t batch, std::int64_t rows,
                    std::int64_t columns);

}  // namespace foreshard::cuda
