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

/// Weights that stand whole on every tp rank and whose gradients are summands there: of a rank's own tokens
/// under sequence parallelism (norms, positions, routers), of its own heads or columns (norms of q and k,
/// low-rank adapters).
std::vector<TensorId> sequence_partial_weights(const ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
