#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Sequence parallelism (Korthikanti et al. 2022, arXiv:2205.05198): what tensor parallelism leaves
/// replicated — norms, dropout, residuals — is cut along the tokens. Each all-reduce of a forward block
/// becomes a reduce-scatter, and products that need every token gather them first. Loss statistics keep their
/// all-reduces.
void apply_sequence_parallel(ProgramBuilder& builder, Block& forward);

/// What forward gathered over `group` is gathered once more in backward, instead of being kept.
void gather_again(ProgramBuilder& builder, const Block& forward, Block& backward, GroupKind group);

/// Weights that every tp rank holds whole but meets with a part of the data, so that their gradients are
/// partial sums: always the norms of q and k, since each rank has heads of its own, and the uncut matrices of
/// low-rank adapters beside cut weights; under sequence parallelism whatever sees a rank's own tokens (norms,
/// positions, routers).
std::vector<TensorId> partial_gradient_weights(const ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
