#pragma once

#include "planner/program/program_builder.hpp"

// Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv:2502.16982): a matrix's
// update is its momentum, divided by its norm and made orthogonal by five Newton-Schulz steps in bf16. With an
// iterate X of s rows and l columns, s <= l (else its transpose), one step is
//   G = X·Xᵀ (s,s)          2·s²·l FLOPs
//   H = b·G + c·G·G (s,s)   2·s³
//   X ← a·X + H·X (s,l)     2·s²·l     into another tensor, since the product reads X
// Token table, output table and vectors are updated by AdamW.
//
// A step needs the whole matrix. Where ZeRO shares an update among n ranks, the layers are taken n at a time, and
// each rank makes the matrices of one of them orthogonal: an all-to-all brings it their shares of the momentum,
// and another one takes the shares of the result back. Of fewer than n layers at the end, the ranks beyond them
// have none. Under tensor parallelism each rank makes its own part orthogonal (Megatron-LM's blockwise mode).

namespace foreshard {

/// The matrices of a group that Muon updates. Empty for other optimizers.
std::vector<TensorId> muon_matrices(const ProgramBuilder& builder, const WeightGroup& group);

/// The block that makes a layer's gradients, clipped by their norm, into momentum and this rank's share of the
/// iterates.
BlockId emit_momentum(ProgramBuilder& builder, const WeightGroup& group, TensorId norm);

/// The block that makes the iterates of `layers` orthogonal, on each rank those of one of them. Layers are counted
/// from that of the block call, the first of them. @pre no more layers than ranks share an update
BlockId emit_orthogonal(ProgramBuilder& builder, const WeightGroup& group, const std::vector<int>& layers);

/// The update of the group's matrices by the orthogonal iterates.
Op muon_update(ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
