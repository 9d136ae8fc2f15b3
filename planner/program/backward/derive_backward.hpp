#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// The backward block of a forward block, by one rule per operation kind, in reverse order, as automatic
/// differentiation would run it. The gradient of `hidden` of the next layer comes in as `d.hidden` +1, that
/// of this layer goes out as `d.hidden`. Forward tensors that it reads become micro-batch tensors: saved
/// activations.
///
/// A product's input gradient comes before its weight gradient, and the communication of the input gradient
/// between them, so that one can hide behind the other.
Block derive_backward(ProgramBuilder& builder, const Block& forward);

/// Marks as saved (lifetime micro-batch) every tensor of `forward` that `backward` reads, and as block-local
/// every other one but the streams between blocks.
void mark_saved(ProgramBuilder& builder, const Block& forward, const Block& backward);

}  // namespace foreshard
