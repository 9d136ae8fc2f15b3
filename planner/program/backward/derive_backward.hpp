#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Returns the backward block of a forward block: the gradients of its operations in reverse order, as
/// automatic differentiation runs them, by one rule per operation kind. The block reads the gradient of its
/// output as `d.hidden` of the next layer (layer shift +1) and writes the gradient of its input as `d.hidden`
/// of this layer. gradient_book.hpp shows how gradients of one tensor from several uses are added.
/// mark_saved makes the forward tensors that backward reads saved activations.
///
/// The input gradient of a product comes first, then its communication, then the weight gradient: the
/// communication can overlap the weight gradient.
Block derive_backward(ProgramBuilder& builder, const Block& forward);

/// Decides which forward tensors are saved for backward. A tensor that `forward` writes gets the lifetime
/// micro_batch if `backward` reads it, else the lifetime block. The stream between blocks, the loss, and
/// tensors that live for a layer keep their lifetimes.
void mark_saved(ProgramBuilder& builder, const Block& forward, const Block& backward);

}  // namespace foreshard
