#include "planner/cost/cost_model.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>

namespace foreshard {
namespace {

constexpr std::array kWidestFirst{DType::fp64, DType::fp32, DType::tf32,
                                  DType::bf16, DType::fp16, DType::fp8};

std::optional<GemmRate>& rate_of(AcceleratorSpec& accelerator, DType type) {
  return accelerator.gemm[static_cast<std::size_t>(type)];
}

bool is_usable(const std::optional<GemmRate>& rate) {
  return rate && rate->peak > FlopsPerSecond() && rate->efficiency > 0.0;
}

/// The nearest arithmetic that holds every value of `type`; none for the widest.
std::optional<DType> wider(DType type) {
  switch (type) {
    case DType::uint8:
    case DType::fp8: return DType::fp16;
    case DType::fp16:
    case DType::bf16: return DType::tf32;
    case DType::tf32: return DType::fp32;
    case DType::int32:
    case DType::fp32: return DType::fp64;
    case DType::fp64: return std::nullopt;
  }
  return std::nullopt;
}

/// A type for which the device has no unit runs on that of the nearest wider type, else on the widest there
/// is.
GemmRate rate_or_fallback(AcceleratorSpec& accelerator, DType type) {
  for (std::optional<DType> candidate = type; candidate; candidate = wider(*candidate))
    if (is_usable(rate_of(accelerator, *candidate))) return *rate_of(accelerator, *candidate);
  for (const DType candidate : kWidestFirst)
    if (is_usable(rate_of(accelerator, candidate))) return *rate_of(accelerator, candidate);
  throw std::invalid_argument(
      fmt::format("accelerator {} has no rate of matrix products for any data type", accelerator.name));
}

/// The accelerator with a rate for every data type, so that no lookup can miss.
AcceleratorSpec with_every_rate(AcceleratorSpec accelerator) {
  std::array<std::optional<GemmRate>, kDTypeCount> rates;
  for (std::size_t type = 0; type < kDTypeCount; ++type)
    rates[type] = rate_or_fallback(accelerator, static_cast<DType>(type));
  accelerator.gemm = rates;
  return accelerator;
}

DType math_of(Precision precision) {
  switch (precision) {
    case Precision::fp32: return DType::fp32;
    case Precision::bf16: return DType::bf16;
    case Precision::fp16: return DType::fp16;
    case Precision::fp8: return DType::fp8;
  }
  return DType::fp32;
}

/// The z of which a normal variable is larger with probability `tail`, to 4.5e-4.
/// Source: Abramowitz and Stegun 1964, 26.2.23.
double normal_quantile(double tail) {
  const double t = std::sqrt(-2.0 * std::log(tail));
  return t -
         (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

/// A step waits for its slowest device. How much slower than the mean the slowest of n normally distributed
/// devices is expected to be. Source: Blom 1958, expected order statistics: the quantile of
/// (n - 3/8)/(n + 1/4).
double slowest_of(std::int64_t devices, double spread) {
  if (devices < 2) return 1.0;
  const auto n = static_cast<double>(devices);
  return 1.0 + spread * normal_quantile(0.625 / (n + 0.25));
}

}  // namespace

CostModel::CostModel(const JobSpec& job) : accelerator_(with_every_rate(job.cluster.accelerator)) {
  if (!(accelerator_.kernels.memory_efficiency * accelerator_.memory_bandwidth > BytesPerSecond()))
    throw std::invalid_argument(fmt::format("accelerator {} has no memory bandwidth", accelerator_.name));
  peak_ = rate_of(accelerator_, math_of(job.training.precision))->peak;
  // PyTorch's eager mode passes through its dispatcher for every operation: about twice the time of a
  // compiled program's launches. Source: docs/cost_model.md.
  const double eager = job.training.compiled ? 1.0 : 2.0;
  blocking_ = job.training.launch == Launch::blocking;
  interference_ = {.communication_share = accelerator_.kernels.communication_share,
                   .submit = eager * accelerator_.kernels.submit};
  forms_ = kernel_forms(job);
  const DeviceMesh mesh(job.parallelism);
  slowest_ = slowest_of(mesh.devices(), accelerator_.kernels.device_spread);
  for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
    groups_[kind] = CollectiveTimes(links_of(mesh.group(static_cast<GroupKind>(kind)), job.cluster));
}

OpTime CostModel::time(const Op& op, const StepProgram& program) const {
  if (const auto* collective = std::get_if<Collective>(&op.kind))
    return {collective_time(collective->kind, collective->payload, collective->group), Limit::network, 0};
  if (const auto* send = std::get_if<Send>(&op.kind))
    return {transfer_time(send->payload), Limit::network, 0};
  if (const auto* recv = std::get_if<Recv>(&op.kind))
    return {transfer_time(recv->payload), Limit::network, 0};
  return kernel_time(op, program);
}

Seconds CostModel::collective_time(CollectiveKind kind, Bytes payload, GroupKind group) const {
  return groups_[static_cast<std::size_t>(group)].time(kind, payload);
}

CollectiveChoice CostModel::collective_choice(CollectiveKind kind, Bytes payload, GroupKind group) const {
  return groups_[static_cast<std::size_t>(group)].choice(kind, payload);
}

Seconds CostModel::transfer_time(Bytes payload) const {
  return groups_[static_cast<std::size_t>(GroupKind::pp)].transfer(payload);
}

}  // namespace foreshard
