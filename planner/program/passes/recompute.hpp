#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Activation recomputation: certain forward tensors are not kept; the backward block runs the operations
/// that make them again. What is dropped and what runs again:
///   selective      Dropped: the tensors inside the attention core. Again: the core.
///                  Korthikanti et al. 2022, arXiv:2205.05198, section 5
///   modules        Dropped: what the listed modules make; the outputs of checkpointed modules stay. Again: the
///                  checkpointed modules, and what backward needs of the others, each just before its first
///                  use. Megatron-LM's recompute_modules
///   selective-ops  Dropped: everything but attention outputs, outputs of reduce-scatters and all-to-alls, the
///                  choice of experts, and the output of every other product (the first is kept; for a fused
///                  gate and up, one half runs again). Again: what backward needs. torchtitan's list
///   full           Dropped: everything but the layer's input. Again: the whole layer.
/// Where the framework stops recomputation early, selective and full too run only what backward needs.
/// @pre `backward` is derived from `forward`; mark_saved follows.
void apply_recompute(ProgramBuilder& builder, const Block& forward, Block& backward);

}  // namespace foreshard
