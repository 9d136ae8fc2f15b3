#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Sequence parallelism (Korthikanti et al. 2022, arXiv:2205.05198). Operations that tensor parallelism
/// leaves replicated (norms, dropout, residuals) work on a share of the tokens instead. Each all-reduce of a
/// forward block becomes a reduce-scatter, and an all-gather precedes products that need every token. The
/// statistics of the loss keep their all-reduces.
///
/// Example, the FFN of one layer on tp ranks (T tokens, D hidden):
///   before   norm (T,D)     up   down   all-reduce (T,D)                 residual (T,D)
///   after    norm (T/tp,D)  all-gather → (T,D)   up   down   reduce-scatter → (T/tp,D)   residual (T/tp,D)
void apply_sequence_parallel(ProgramBuilder& builder, Block& forward);

/// Tensors that forward gathered over `group` are not kept for backward; backward gathers them again. Tensors
/// that forward changed in place after the gather are kept.
void gather_again(ProgramBuilder& builder, const Block& forward, Block& backward, GroupKind group);

/// Returns the weights that are replicated over tp but whose gradients are partial sums, because each tp rank
/// applies them to a part of the data:
///   - always: the norms of q and k, since each rank has its own heads; and the uncut matrices of low-rank
///     adapters whose weight is cut;
///   - with sequence parallelism also: weights applied to a rank's own tokens (norms, positions, routers).
std::vector<TensorId> partial_gradient_weights(const ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
