#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// Splits the head's output projection, loss and their gradients into training.loss.chunks parts, each for an
/// equal range of the tokens, which run one after the other in the forward block. The logits of one part are
/// in memory at a time. The gradient of the projection's input and that of its weight are written there, kept
/// until backward, and added to the sum of gradients by the backward block. Source: Hsu et al. 2024 (Liger
/// Kernel), arXiv:2410.10989, section 3.2.
///   before  forward: norm, logits, row max, exp sum, loss          backward: loss, dX, dW, norm
///   after   forward: norm, (logits, row max, exp sum, loss, dloss, dX, dW) for each range
///           backward: dW accumulate, norm
/// With training.loss.cut both passes go through ranges of the tokens, and backward makes the logits of each again:
///   after   forward: norm, (logits, row max, exp sum, loss) for each   backward: (logits, loss, dX, dW) for each, norm
/// Does nothing for one part. Called once the backward block is derived, before all other passes over both.
void chunk_loss(ProgramBuilder& builder, Block& forward, Block& backward);

}  // namespace foreshard
