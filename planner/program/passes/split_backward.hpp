#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Splits a backward block in two, so that a schedule can run the weight gradients later. Moves out the
/// operations that no earlier layer waits for: weight gradients of products, bias gradients, gradients of
/// tables, and collectives whose result only these read. The operations that lead to the input gradient stay.
/// Norms stay too, because one kernel makes both of their gradients, and so does recomputation. Returns the
/// moved operations, in the same order, as the block "KIND weight".
///
/// Tensors that the backward block writes and the weight block reads (gradients of outputs, recomputed
/// activations) get the lifetime micro_batch: they are kept from one pass to the other.
/// Source: Qi et al. 2024, arXiv:2401.10241, section 2: the backward pass as B (input) and W (weight).
/// @pre mark_saved has seen the whole backward block; nothing scatters the block's gradients (ZeRO below 2).
/// @throws std::logic_error if an operation that stays would change what a weight gradient reads later.
Block split_backward(ProgramBuilder& builder, Block& backward);

}  // namespace foreshard
