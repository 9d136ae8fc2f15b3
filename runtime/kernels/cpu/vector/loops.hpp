#pragma once

#include "runtime/kernels/cpu/vector/kernel_set.hpp"

// The loops of one instruction set, in a namespace with its name: these files are compiled once per set.
#ifndef FORESHARD_KERNEL_SET
#define FORESHARD_KERNEL_SET baseline
#endif

/// For helpers of the loops. They are always inlined, so that no function is emitted that the linker could
/// use for another instruction set.
#define FORESHARD_INLINE [[gnu::always_inline]] static inline

namespace foreshard::cpu::FORESHARD_KERNEL_SET {

void norm_forward(const NormCall& call, Range rows);
void norm_backward(const NormCall& call, Range rows, float* d_weight, float* d_bias);
void rope(const RopeCall& call, const float* turns, Range tokens);
void row_max(const CrossEntropyCall& call, Range tokens);
void exp_sum(const CrossEntropyCall& call, Range tokens);
void loss_backward(const CrossEntropyCall& call, Range tokens);
void elementwise(const PointwiseCall& call, Range elements);
void gated(const PointwiseCall& call, Range rows);
void output_gate(const GateCall& call, Range gates);
void update(const UpdateCall& call, const UpdateFactors& factors, Range elements);
void permute(const PermuteCall& call, Range tokens);
void copy(const Buffer& y, const Buffer& x);
void scale(const Buffer& y, const Buffer& x, float factor);
void add_to(const Buffer& y, const Buffer& x);
void add_columns(const Buffer& y, const Buffer& x, std::int64_t stride, Range columns);
double sum_squares(const Buffer& x);
void softmax_tile(const ScoreTile& tile, const SoftmaxState& state);
void softmax_end(const SoftmaxState& state, std::int64_t rows, float* lse, std::int64_t lse_stride);
void probabilities(const ScoreTile& tile, const float* lse);
void score_gradients(const ScoreTile& tile, float* d_probabilities, const float* out_product, float scale);
void row_products(const float* a, const float* b, std::int64_t rows, std::int64_t stride, std::int64_t d,
                  float* products);

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
