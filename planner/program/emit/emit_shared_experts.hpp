#pragma once

#include <optional>
#include <vector>

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// The operations of the shared experts of a layer, in two parts: those before their second product, and the rest.
struct SharedExperts {
  std::vector<Op> first;
  std::vector<Op> second;
  std::optional<TensorId> out;  ///< (T, D); none: the model has no shared experts
};

/// Makes the operations of the shared experts on x (T, D), without putting them into the block: an MLP, scaled by a
/// sigmoid of the token if the model has such a gate, then a norm if experts have norms of their own.
SharedExperts emit_shared_experts(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x);

/// Puts operations at the end of the block.
void append_ops(Block& block, std::vector<Op>&& ops);

}  // namespace foreshard
