#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Activation recomputation: instead of keeping certain forward tensors, the backward block runs again what
/// made them.
///   selective      the attention core's inner tensors; the core runs again, or, where the framework stops
///                  early, only what backward needs. Korthikanti et al. 2022, arXiv:2205.05198, section 5
///   selective-ops  everything but attention outputs, what was scattered, and every other product (in order,
///                  the first kept; of a fused gate and up, one half runs again), as PyTorch's selective
///                  checkpoint per operation
///   full           everything but the layer's input; the whole layer runs again, or, where the framework
///                  stops early, only what backward needs
/// @pre `backward` is derived from `forward`; mark_saved follows.
void apply_recompute(ProgramBuilder& builder, const Block& forward, Block& backward);

}  // namespace foreshard
