#include "planner/program/ops/op_flops.hpp"

#include <variant>

#include "planner/program/ops/scan_flops.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// Elements of the score matrices of all heads and sequences. Each product of the attention core with head
/// dimension d takes 2·d FLOPs per element.
std::int64_t score_elements(const Attention& core) {
  return checked_product(core.batch, core.heads, core.query, core.key);
}

/// FLOPs of a matrix product outside attention. Model FLOPs count it unless it is a recomputation or part of
/// the optimizer (Muon).
OpFlops product_flops(std::int64_t multiply_adds, Phase phase) {
  const Flops flops(checked_product(2, multiply_adds));
  const bool is_of_model = phase != Phase::recompute && phase != Phase::optimizer;
  return {.model = is_of_model ? flops : Flops(), .hardware = flops, .executed = flops};
}

OpFlops attention_flops(const Attention& core, Phase phase) {
  const std::int64_t scores = score_elements(core);
  // S = Q·Kᵀ over head_dim and O = P·V over v_head_dim.
  const Flops forward(checked_product(2, scores, core.head_dim + core.v_head_dim));
  OpFlops flops;
  if (is_backward(phase)) {
    flops.model = 2 * forward;
    // S again, dQ and dK over head_dim; dP and dV over v_head_dim.
    flops.hardware = Flops(checked_product(2, scores, 3 * core.head_dim + 2 * core.v_head_dim));
  } else {
    flops.model = phase == Phase::recompute ? Flops() : forward;
    flops.hardware = forward;
  }
  // Flash kernels skip the blocks above the diagonal.
  flops.executed = core.causal ? Flops(flops.hardware.value() / 2) : flops.hardware;
  return flops;
}

}  // namespace

OpFlops op_flops(const Op& op) {
  return std::visit(
      overloaded{[&](const Gemm& gemm) {
                   return product_flops(checked_product(gemm.batch, gemm.m, gemm.n, gemm.k), op.phase);
                 },
                 [&](const GroupedGemm& gemm) {
                   return product_flops(checked_product(gemm.tokens, gemm.n, gemm.k), op.phase);
                 },
                 [&](const Attention& core) { return attention_flops(core, op.phase); },
                 [&](const LinearScan& scan) { return scan_flops(scan, op.phase); },
                 [&](const IndexScores& index) { return index_flops(index, op.phase); },
                 // Only matrix products are counted, as in the literature on MFU; the other kinds are limited
                 // by memory or links.
                 [](const one_of<Pointwise, Norm, Rope, Embedding, CrossEntropy, CausalConv, GatedNorm, Gate,
                                 Route, Permute, Collective, Send, Recv, HostCopy, OptimizerUpdate> auto&) {
                   return OpFlops{};
                 }},
      op.kind);
}

}  // namespace foreshard
