#include "planner/cost/ops/kernel_model.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/cost/memory/memory_pass.hpp"
#include "planner/cost/ops/cost_model.hpp"

namespace foreshard {
namespace {

constexpr std::array kWidestFirst{DType::fp64,  DType::fp32, DType::tf32,        DType::bf16,
                                  DType::fp16,  DType::fp8,  DType::fp8_rowwise, DType::fp8_block,
                                  DType::mxfp8, DType::nvfp4};

const std::optional<GemmRate>& rate_of(const AcceleratorSpec& accelerator, DType type) {
  return accelerator.gemm[static_cast<std::size_t>(type)];
}

/// What a kind of pass reaches of what elementwise kernels reach, where the accelerator's file says nothing of it.
/// As measured on the H100 (configs/physics/linear_mixers.csv).
double usual_share(MemoryPass pass) {
  if (pass == MemoryPass::scan) return 0.73;
  return pass == MemoryPass::convolution ? 0.8 : 1.0;
}

bool is_usable(const std::optional<GemmRate>& rate) {
  return rate && rate->peak > FlopsPerSecond() && rate->efficiency > 0.0;
}

/// The next wider type, which represents every value of `type`; none for the widest.
std::optional<DType> wider(DType type) {
  switch (type) {
    case DType::uint8:
    case DType::fp8: return DType::fp16;
    case DType::fp8_rowwise:
    case DType::fp8_block:
    case DType::mxfp8: return DType::fp8;
    case DType::nvfp4: return DType::mxfp8;
    case DType::nf4: return DType::bf16;  // no arithmetic: products take what it stands for in 16 bits
    case DType::fp16:
    case DType::bf16: return DType::tf32;
    case DType::tf32: return DType::fp32;
    case DType::int32:
    case DType::fp32: return DType::fp64;
    case DType::fp64: return std::nullopt;
  }
  return std::nullopt;
}

/// The GEMM rate of a type. If the device has no unit for it, the rate is that of the nearest wider type with
/// a unit, else that of the widest type with a unit.
GemmRate rate_or_fallback(const AcceleratorSpec& accelerator, DType type) {
  for (std::optional<DType> candidate = type; candidate; candidate = wider(*candidate))
    if (is_usable(rate_of(accelerator, *candidate))) return *rate_of(accelerator, *candidate);
  for (const DType candidate : kWidestFirst)
    if (is_usable(rate_of(accelerator, candidate))) return *rate_of(accelerator, candidate);
  throw std::invalid_argument(
      fmt::format("accelerator {} has no rate of matrix products for any data type", accelerator.name));
}

/// The version of flash attention that runs: `wanted` if it was measured on the accelerator, else the
/// accelerator's usual version; none if that was not measured either.
std::optional<FlashAttention> flash_of(const AcceleratorSpec& accelerator,
                                       std::optional<FlashVersion> wanted) {
  for (const std::optional<FlashVersion>& version : {wanted, accelerator.usual_flash}) {
    if (!version) continue;
    const auto& measured = accelerator.kernels.attention[static_cast<std::size_t>(*version)];
    if (measured) return measured;
  }
  return std::nullopt;
}

}  // namespace

KernelModel::KernelModel(const AcceleratorSpec& accelerator, std::optional<FlashVersion> flash)
    : flash_(flash_of(accelerator, flash)),
      multiprocessors_(static_cast<double>(accelerator.multiprocessors)),
      k_prologue_(accelerator.kernels.gemm_k_prologue),
      accumulate_(accelerator.kernels.gemm_accumulate),
      grouped_efficiency_(accelerator.kernels.grouped_efficiency),
      grouped_efficiency_fp8_(
          accelerator.kernels.grouped_efficiency_fp8.value_or(accelerator.kernels.grouped_efficiency)),
      gemm_fixed_(accelerator.kernels.gemm_fixed),
      grouped_fixed_(accelerator.kernels.grouped_fixed),
      launch_(accelerator.kernels.launch),
      half_size_(accelerator.kernels.memory_half_size) {
  for (std::size_t type = 0; type < kDTypeCount; ++type)
    rates_[type] = rate_or_fallback(accelerator, static_cast<DType>(type));
  const KernelConstants& kernels = accelerator.kernels;
  if (!(kernels.memory_efficiency * accelerator.memory_bandwidth > BytesPerSecond()))
    throw std::invalid_argument(fmt::format("accelerator {} has no memory bandwidth", accelerator.name));
  for (std::size_t pass = 0; pass < kMemoryPassCount; ++pass) {
    const MemoryFraction& fraction = kernels.memory_fraction[pass];
    const double forward =
        fraction.forward.value_or(usual_share(static_cast<MemoryPass>(pass)) * kernels.memory_efficiency);
    bandwidth_[pass] = {.forward = forward * accelerator.memory_bandwidth,
                        .backward = fraction.backward.value_or(forward) * accelerator.memory_bandwidth};
  }
}

FlopsPerSecond KernelModel::peak(DType type) const { return rates_[static_cast<std::size_t>(type)].peak; }

FlopsPerSecond KernelModel::sustained(DType type) const {
  const GemmRate& rate = rates_[static_cast<std::size_t>(type)];
  return rate.efficiency * rate.peak;
}

Seconds KernelModel::memory_time(const Op& op, Bytes traffic) const {
  if (traffic == Bytes()) return {};
  const MemoryPass pass = memory_pass_of(op);
  const Bandwidth& bandwidth = bandwidth_[static_cast<std::size_t>(pass)];
  // Bandwidth grows with the number x of bytes moved: B(x) = B·x/(x + h), so x/B(x) = (x + h)/B. For matrix
  // products h is 0, because their fixed cost already includes this effect.
  const bool is_product = pass == MemoryPass::gemm || pass == MemoryPass::grouped_gemm;
  return (traffic + (is_product ? Bytes() : half_size_)) /
         (is_backward(op.phase) ? bandwidth.backward : bandwidth.forward);
}

OpTime KernelModel::pass_time(Bytes traffic, Seconds more) const {
  const Seconds fixed = launch_ + more;
  if (traffic == Bytes()) return {fixed, Limit::launch};
  const Seconds memory =
      (traffic + half_size_) / bandwidth_[static_cast<std::size_t>(MemoryPass::elementwise)].forward;
  return {fixed + memory, memory < fixed ? Limit::launch : Limit::memory};
}

OpTime KernelModel::time_of_calls(const Op& op, const StepProgram& program, Seconds more) const {
  const auto calls = static_cast<double>(op.calls);
  const Work work = work_of(op, program);
  // A grouped product that is called for each expert is an ordinary product each time.
  const Seconds start = is_product(op) ? gemm_fixed_ : launch_;
  const Seconds fixed = std::max(start + more, Seconds(0.0));
  const Seconds compute = work.compute / calls;
  const Seconds memory = memory_time(op, Bytes(op_traffic(op, program).value() / op.calls));
  const Seconds busy = std::max(compute, memory);
  const Seconds each = std::max(fixed + busy, launch_);
  Limit limit = compute >= memory ? Limit::compute : Limit::memory;
  if (busy < fixed) limit = Limit::launch;
  return {calls * each, limit, op.calls};
}

OpTime KernelModel::time(const Op& op, const StepProgram& program, Seconds more) const {
  if (op.calls > 1) return time_of_calls(op, program, more);
  const Work work = work_of(op, program);
  const Seconds memory = memory_time(op, op_traffic(op, program));
  const Seconds fixed = std::max(work.fixed + more, Seconds(0.0));
  const Seconds least = launch_ + std::min(more, Seconds(0.0));
  const Seconds busy = std::max(work.compute, memory);
  if (fixed + busy < least) return {least, Limit::launch};
  if (busy < fixed) return {fixed + busy, Limit::launch};
  return {fixed + busy, work.compute >= memory ? Limit::compute : Limit::memory};
}

}  // namespace foreshard
