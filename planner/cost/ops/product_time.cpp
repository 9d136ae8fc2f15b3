#include <variant>

#include "planner/cost/ops/kernel_model.hpp"
#include "planner/program/ops/scan_flops.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// True for C += A·B with C in fp32: gradients of weights, summed over several micro-batches.
bool accumulates_in_fp32(const Op& op, const StepProgram& program) {
  constexpr std::size_t kResult = 2;
  if (op.operands.size() <= kResult || op.operands[kResult].access != Access::accumulate) return false;
  return program.tensor(op.operands[kResult].tensor).dtype == DType::fp32;
}

}  // namespace

FlopsPerSecond KernelModel::gemm_rate(DType math, bool accumulates) const {
  const GemmRate& rate = rates_[static_cast<std::size_t>(math)];
  return (accumulates ? accumulate_ : 1.0) * rate.efficiency * rate.peak;
}

KernelModel::Work KernelModel::gemm(const Gemm& gemm, bool accumulates) const {
  // 2·batch·m·n·(k + k0) FLOPs: k0 accounts for filling the pipeline of a tile before its first product.
  const Flops flops(checked_product(2, gemm.batch, gemm.m, gemm.n, gemm.k + k_prologue_));
  return {.compute = flops / gemm_rate(gemm.math, accumulates), .fixed = gemm_fixed_};
}

KernelModel::Work KernelModel::grouped_gemm(const GroupedGemm& gemm, Phase phase, bool accumulates) const {
  // Each expert's product is Y (tokens/experts, n) = X·Wᵀ over k, or dW (n, k) = dYᵀ·X over its tokens.
  const std::int64_t multiply_adds =
      phase == Phase::backward_weight
          ? checked_product(gemm.n, gemm.k, gemm.tokens + checked_product(gemm.experts, k_prologue_))
          : checked_product(gemm.tokens, gemm.n, gemm.k + k_prologue_);
  const Flops flops(checked_product(2, multiply_adds));
  const bool is_short = bytes_of(gemm.math, 2).value() <= 2;  // 8 bits or fewer
  const double relative = is_short ? grouped_efficiency_fp8_ : grouped_efficiency_;
  return {.compute = flops / (relative * gemm_rate(gemm.math, accumulates)),
          .fixed = gemm_fixed_ + static_cast<double>(gemm.experts) * grouped_fixed_};
}

namespace {

/// Rate of the products inside a scan and of an indexer's scores, over that of large products: they are small, and
/// elementwise work stands between them. Assumed; scans are limited by their passes on all measured devices.
constexpr double kInnerRate = 0.5;
/// What one more chunk costs where a state goes from chunk to chunk: a step of the recurrence. 1.4 µs on the H100,
/// 1.5 on the H200, 1.8 on the B200 (configs/physics/linear_mixers.csv).
constexpr Seconds kChunkStep(1.5e-6);

}  // namespace

KernelModel::Work KernelModel::scan(const LinearScan& scan, Phase phase) const {
  // Backward goes through the chunks twice: the states again, then their gradients.
  const std::int64_t steps = ceil_divide(scan.positions, scan.chunk) * (is_backward(phase) ? 2 : 1);
  return {.compute = scan_flops(scan, phase).executed / (kInnerRate * gemm_rate(scan.math, false)),
          .fixed = launch_ + static_cast<double>(steps) * kChunkStep};
}

KernelModel::Work KernelModel::index(const IndexScores& index, Phase phase) const {
  return {.compute = index_flops(index, phase).executed / (kInnerRate * gemm_rate(index.math, false)),
          .fixed = launch_};
}

KernelModel::Work KernelModel::work_of(const Op& op, const StepProgram& program) const {
  return std::visit(
      overloaded{
          [&](const Gemm& single) { return gemm(single, accumulates_in_fp32(op, program)); },
          [&](const GroupedGemm& experts) {
            return grouped_gemm(experts, op.phase, accumulates_in_fp32(op, program));
          },
          [&](const Attention& core) { return attention(core, op.phase); },
          [&](const LinearScan& mixer) { return scan(mixer, op.phase); },
          [&](const IndexScores& indexer) { return index(indexer, op.phase); },
          // These kernels are memory-bound, so their arithmetic is not counted. Communication never gets
          // here.
          [&](const one_of<Pointwise, Norm, Rope, Embedding, CrossEntropy, CausalConv, GatedNorm, Gate, Route,
                           Permute, OptimizerUpdate, Collective, Send, Recv, HostCopy> auto&) {
            return Work{.compute = {}, .fixed = launch_};
          }},
      op.kind);
}

}  // namespace foreshard
