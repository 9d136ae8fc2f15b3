#pragma once

#include "planner/program/ops/op.hpp"
#include "planner/program/program_builder.hpp"

namespace foreshard {

/// True if a collective of tensor parallelism is split into chunks that overlap the product beside it: with
/// overlap.tp full, where the framework finds that product (FrameworkConventions::finds_single_products).
/// @param reader  what reads a gather or, in backward, reads the tensor whose gradient a scatter sums
bool overlaps_product(const ProgramBuilder& builder, CollectiveKind kind, Component reader, Phase phase);

}  // namespace foreshard
