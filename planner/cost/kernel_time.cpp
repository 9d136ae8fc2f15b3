#include <algorithm>
#include <variant>

#include "planner/cost/cost_model.hpp"

namespace foreshard {
namespace {

const GemmRate& rate_of(const AcceleratorSpec& accelerator, DType math) {
  return *accelerator.gemm[static_cast<std::size_t>(math)];
}

/// T = 2·m·n·(k + k0) / (peak · efficiency). Source: docs/cost_model.md; k0 stands for filling the pipeline
/// of a tile before its first product.
Seconds product_time(std::int64_t rows, std::int64_t n, std::int64_t k, DType math,
                     const AcceleratorSpec& accelerator) {
  const GemmRate& rate = rate_of(accelerator, math);
  const Flops flops(checked_product(2, rows, n, k + accelerator.kernels.gemm_k_prologue));
  return flops / (rate.efficiency * rate.peak);
}

/// Time of the attention core's products. Flash attention in fp8 is a thing of its own: fp8 jobs keep it in
/// bf16.
Seconds attention_time(const Attention& core, const Op& op, const AcceleratorSpec& accelerator) {
  const GemmRate& rate = rate_of(accelerator, core.math == DType::fp8 ? DType::bf16 : core.math);
  const double measured =
      is_backward(op.phase) ? accelerator.kernels.attention_backward : accelerator.kernels.attention_forward;
  // An accelerator on which nobody measured attention multiplies as fast as in other products.
  const double efficiency = measured > 0.0 ? measured : rate.efficiency;
  return op_flops(op).executed / (efficiency * rate.peak);
}

/// Bandwidth grows with the bytes x that are moved, B(x) = B·x/(x + h), so x/B(x) = (x + h)/B.
Seconds memory_time(Bytes traffic, const AcceleratorSpec& accelerator) {
  if (traffic == Bytes()) return {};
  const KernelConstants& kernels = accelerator.kernels;
  return (traffic + kernels.memory_half_size) / (kernels.memory_efficiency * accelerator.memory_bandwidth);
}

/// Kernels beside the first, each with its launch.
Seconds further_time(const FurtherPasses& further, const AcceleratorSpec& accelerator) {
  if (further.kernels == 0) return {};
  const auto count = static_cast<double>(further.kernels);
  return count * (accelerator.kernels.launch +
                  memory_time(Bytes(further.traffic.value() / further.kernels), accelerator));
}

}  // namespace

OpTime CostModel::kernel_time(const Op& op, const StepProgram& program) const {
  const KernelConstants& kernels = accelerator_.kernels;
  const Seconds memory = memory_time(op_traffic(op, program), accelerator_);
  Seconds compute;
  Seconds fixed = kernels.launch;
  if (const auto* gemm = std::get_if<Gemm>(&op.kind)) {
    compute = product_time(checked_product(gemm->batch, gemm->m), gemm->n, gemm->k, gemm->math, accelerator_);
    fixed = kernels.gemm_fixed;
  } else if (const auto* grouped = std::get_if<GroupedGemm>(&op.kind)) {
    compute = product_time(grouped->tokens, grouped->n, grouped->k, grouped->math, accelerator_);
    fixed = kernels.gemm_fixed;
  } else if (const auto* core = std::get_if<Attention>(&op.kind)) {
    compute = attention_time(*core, op, accelerator_);
  }

  const FurtherPasses further = further_passes(op, program, forms_);
  const std::int64_t count = 1 + further.kernels;
  const Seconds more = further_time(further, accelerator_);
  const Seconds work = slowest_ * std::max(compute, memory);
  const Seconds rest = slowest_ * more;
  if (blocking_) fixed += interference_.submit * static_cast<double>(count);
  if (fixed + work + rest < kernels.launch) return {kernels.launch, Limit::launch, count};
  if (work + rest < fixed) return {fixed + work + rest, Limit::launch, count};
  return {fixed + work + rest, compute >= memory ? Limit::compute : Limit::memory, count};
}

}  // namespace foreshard
