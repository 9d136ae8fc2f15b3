#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Takes out of a backward block what no earlier layer waits for, so that a schedule may run it later: the
/// weight gradients of products, bias gradients, gradients of tables, and the collectives that bring only
/// what these read. What stays is the way to the input gradient; norms, whose kernel makes both gradients at
/// once, stay whole, and so does recomputation. Returns the block "KIND weight" of what was taken, in the
/// same order.
///
/// What the weight block reads and the backward block writes (gradients of outputs, activations made again)
/// becomes a micro-batch tensor: it is kept from one pass to the other.
/// Source: Qi et al. 2024, arXiv:2401.10241, section 2: the backward pass as B (input) and W (weight).
/// @pre mark_saved has seen the whole backward block; nothing scatters the block's gradients (ZeRO below 2).
/// @throws std::logic_error if an operation that stays would change what a weight gradient reads later.
Block split_backward(ProgramBuilder& builder, Block& backward);

}  // namespace foreshard
