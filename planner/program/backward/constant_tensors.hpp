#pragma once

#include <set>

#include "planner/program/block.hpp"
#include "planner/program/program_builder.hpp"

namespace foreshard {

/// The tensors of a forward block that are made of frozen tables by frozen weights alone, such as the next tokens'
/// embeddings of multi-token prediction under LoRA: they need no gradient. The stream from layer to layer is not among them.
std::set<TensorId> constant_tensors(const ProgramBuilder& builder, const Block& forward);

/// True for an operation that reads nothing but these and frozen weights: it has no gradient to hand on.
bool reads_constants_alone(const ProgramBuilder& builder, const std::set<TensorId>& constants, const Op& op);

}  // namespace foreshard
