#include "planner/cost/ops/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <variant>

#include "planner/frameworks/dispatcher.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// The z that a standard normal variable exceeds with probability `tail`; absolute error at most 4.5e-4.
/// Source: Abramowitz and Stegun 1964, 26.2.23.
double normal_quantile(double tail) {
  const double t = std::sqrt(-2.0 * std::log(tail));
  return t -
         (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

/// The expected time of the slowest of n devices relative to their mean, for normally distributed times; a
/// step waits for its slowest device. Source: Blom 1958, expected order statistics: the quantile of (n -
/// 3/8)/(n + 1/4).
double slowest_of(std::int64_t devices, double spread) {
  if (devices < 2) return 1.0;
  const auto n = static_cast<double>(devices);
  return 1.0 + spread * normal_quantile(0.625 / (n + 0.25));
}

/// What each expert adds to the time of a grouped product that is one kernel: 0.1 to 0.3 us (whole layers of experts of
/// serving stacks, ai-dynamo/aiconfigurator@095f58a).
constexpr Seconds kFusedExpert(0.2e-6);

/// Communication of a step with passes in turns over that of the same step without, in traces of Qwen3 30B on 16 H100
/// with HybridEP: 10.83 s over 8.25 s (NVIDIA-NeMo/Megatron-Bridge@067f987, skills/nemo-mbridge-perf-expert-parallel-
/// overlap: 3,959.0 ms are 36.55% of the one, 9.079 ms are 0.11% of the other).
constexpr double kBesideKernels = 1.31;

/// Elements that scatter_add of 16-bit rows adds per second, by atomic additions in the L2 cache: on an H200 the weighted
/// sum of 2 rows for each of 512 tokens with 4,096 columns takes 0.06 ms, of 2,048 tokens 0.20 ms (tile-ai/TileOPs pull
/// request 608, PyTorch's column), of which the product with the weights, the zeros and one pass take 0.01 and 0.04 ms.
/// Taken for every device.
constexpr double kAtomicSums = 100e9;

/// The share of their speed that kernels lose beside an exchange of tokens by kernels of its own.
std::optional<double> exchange_share_of(const JobSpec& job) {
  constexpr double kMost = 0.9;  // as for the share of any communication
  const std::optional<std::int64_t> usual = usual_sms(job.training.dispatcher);
  if (!usual || job.cluster.accelerator.is_cpu) return std::nullopt;
  const auto held = static_cast<double>(job.training.dispatcher_sms.value_or(*usual));
  return std::min(kMost, held / static_cast<double>(job.cluster.accelerator.multiprocessors));
}

AcceleratorSpec accelerator_of(const JobSpec& job) {
  AcceleratorSpec accelerator = job.cluster.accelerator;
  Seconds& each = accelerator.kernels.grouped_fixed;
  if (job.training.fused_grouped_gemm) each = std::min(each, kFusedExpert);
  return accelerator;
}

/// One of the equal calls into which a collective is split.
Collective one_call(const Collective& collective, std::int32_t calls) {
  Collective one = collective;
  one.payload = Bytes(ceil_divide(collective.payload.value(), static_cast<std::int64_t>(calls)));
  return one;
}

}  // namespace

CostModel::CostModel(const JobSpec& job)
    : kernels_(accelerator_of(job), job.training.flash),
      peak_(kernels_.peak(product_type(job.training.precision, job.training.fp8_scaling))),
      host_(job),
      spread_(job.cluster.accelerator.kernels.spread) {
  const KernelConstants& constants = job.cluster.accelerator.kernels;
  interference_ = {.communication_share = constants.communication_share,
                   .read_back = host_.read_back(),
                   .exchange_share = exchange_share_of(job)};
  forms_ = kernel_forms(job);
  if (job.training.overlap.ep == EpOverlap::in_turns && !job.cluster.accelerator.is_cpu)
    exchange_stretch_ = kBesideKernels;
  const DeviceMesh mesh(job.parallelism);
  if (job.cluster.host) offload_.emplace(*job.cluster.host, job.cluster.devices_per_node);
  slowest_ = slowest_of(mesh.devices(), constants.device_spread);
  for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
    groups_[kind] = CollectiveTimes(links_of(mesh.group(static_cast<GroupKind>(kind)), job.cluster),
                                    job.training.dispatcher);
}

OpTime CostModel::kernel_time(const Op& op, const StepProgram& program) const {
  if (is_done_by_another(op, forms_))
    return {.time = Seconds(0.0), .limit = Limit::launch, .kernels = 0, .host = Seconds(0.0)};
  const FurtherPasses further = further_passes(op, program, forms_);
  const Seconds more = host_.change_of_launch(op);
  OpTime time = further.elementwise ? kernels_.pass_time(op_traffic(op, program), more)
                                    : kernels_.time(op, program, more);
  if (further.kernels > 0) {
    const auto count = static_cast<double>(further.kernels) * op.calls;
    time.time +=
        count * kernels_.pass_time(Bytes(further.traffic.value() / further.kernels / op.calls), more).time;
    time.kernels += further.kernels * op.calls;
  }
  time.time += Seconds(static_cast<double>(further.atomic_sums) / kAtomicSums);
  time.kernels += further.measured_together;
  time.time *= slowest_;
  const std::int64_t calls = further.by_one_call ? time.kernels / (1 + forms_.scale_kernels) : time.kernels;
  time.host = host_.time(op, time.kernels, 1 + time.kernels - calls);
  return time;
}

OpTime CostModel::time(const Op& op, const StepProgram& program) const {
  if (is_kernel(op)) return kernel_time(op, program);
  const std::optional<Communication> communication = communication_of(op);
  if (!communication) return offload_time(op, program);
  const Seconds alone = std::visit(
      overloaded{[&](const Collective& collective) {
                   const bool is_exchange = collective.group == GroupKind::ep;
                   return (is_exchange ? exchange_stretch_ : 1.0) * collective_time(collective, op.calls);
                 },
                 [&](const one_of<Send, Recv> auto& transfer) { return transfer_time(transfer.payload); }},
      *communication);
  // Where nothing runs meanwhile the device waits for the host, and the lists are a part of the time.
  const Seconds lists = list_time(op);
  return {.time = alone + (op.blocks_compute ? lists : Seconds(0.0)),
          .limit = Limit::network,
          .kernels = 0,
          .host = host_.time(op, 0) + (op.blocks_compute ? Seconds(0.0) : lists)};
}

OpTime CostModel::offload_time(const Op& op, const StepProgram& program) const {
  if (!offload_) throw std::invalid_argument("\"" + op.name + "\" needs a host, and the cluster has none");
  const Seconds issue = host_.time(op, 0);
  if (const auto* copy = std::get_if<HostCopy>(&op.kind))
    return {.time = offload_->copy(copy->payload), .limit = Limit::network, .kernels = 0, .host = issue};
  return {.time = offload_->compute(op_traffic(op, program)),
          .limit = Limit::memory,
          .kernels = 0,
          .host = issue};
}

Seconds CostModel::collective_time(CollectiveKind kind, Bytes payload, GroupKind group) const {
  return groups_[static_cast<std::size_t>(group)].time(kind, payload);
}

Seconds CostModel::collective_time(const Collective& collective, std::int32_t calls) const {
  const CollectiveTimes& group = groups_[static_cast<std::size_t>(collective.group)];
  if (group.is_alone()) return Seconds();
  const Collective one = one_call(collective, calls);
  return static_cast<double>(calls) * group.cost(one).time(one.payload);
}

Seconds CostModel::list_time(const Op& op) const {
  const auto* const collective = std::get_if<Collective>(&op.kind);
  if (collective == nullptr || !collective->lists_shards) return {};
  const CollectiveTimes& group = groups_[static_cast<std::size_t>(collective->group)];
  if (group.is_alone()) return {};
  const auto tensors = op.calls > 1 ? 1 : std::max<std::int64_t>(std::ssize(op.operands), 1);
  return static_cast<double>(op.calls) * host_.shard_list(collective->kind, group.members(), tensors);
}

Seconds CostModel::communication_latency(const Op& op) const {
  return std::visit(
      overloaded{[&](const Collective& collective) {
                   const CollectiveTimes& group = groups_[static_cast<std::size_t>(collective.group)];
                   if (group.is_alone()) return Seconds();
                   const Collective one = one_call(collective, op.calls);
                   return static_cast<double>(op.calls) * group.cost(one).steps(one.payload) +
                          (op.blocks_compute ? list_time(op) : Seconds(0.0));
                 },
                 [&](const one_of<Send, Recv> auto& transfer) {
                   const CollectiveTimes& group = groups_[static_cast<std::size_t>(GroupKind::pp)];
                   return group.is_alone() ? Seconds() : group.cost_of_transfer().steps(transfer.payload);
                 }},
      communication_of(op).value());
}

CollectiveChoice CostModel::collective_choice(CollectiveKind kind, Bytes payload, GroupKind group) const {
  return groups_[static_cast<std::size_t>(group)].choice(kind, payload);
}

Seconds CostModel::transfer_time(Bytes payload) const {
  return groups_[static_cast<std::size_t>(GroupKind::pp)].transfer(payload);
}

}  // namespace foreshard
