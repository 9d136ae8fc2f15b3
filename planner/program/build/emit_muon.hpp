#pragma once

#include "planner/program/program_builder.hpp"

// Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv:2502.16982): a matrix's
// update is its momentum, made orthogonal by five Newton-Schulz steps in bf16. With an iterate X of s rows
// and l columns, s <= l (else its transpose), one step is
//   G = X·Xᵀ (s,s)     2·s²·l FLOPs
//   H = G·G (s,s)      2·s³
//   X += H·X (s,l)     2·s²·l     with the coefficients of G and H folded in
// Token table, output table and vectors are updated by AdamW.
//
// A step needs the whole matrix. Where ZeRO shares an update among ranks, each rank takes whole matrices of
// as many layers as fall to it (ceil(layers / ranks)): an all-to-all brings it their shares of the momentum,
// and another one takes the shares of the result back. Under tensor parallelism each rank makes its own part
// orthogonal (Megatron-LM's blockwise mode).

namespace foreshard {

/// The matrices of a group that Muon updates. Empty for other optimizers.
std::vector<TensorId> muon_matrices(const ProgramBuilder& builder, const WeightGroup& group);

/// The blocks that come before the update of matrices.
struct MuonBlocks {
  BlockId momentum;       ///< gradients → momentum, and this rank's share of the iterates
  BlockId orthogonalise;  ///< the iterates of a layer, made orthogonal on the rank to which the layer falls
};
MuonBlocks emit_muon(ProgramBuilder& builder, const WeightGroup& group);

/// The update of the group's matrices by the orthogonal iterates.
Op muon_update(ProgramBuilder& builder, const WeightGroup& group);

}  // namespace foreshard
