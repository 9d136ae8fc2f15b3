#include "planner/program/build/weight_lag.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "planner/program/ops/op_flops.hpp"

namespace foreshard {
namespace {

constexpr std::int64_t kLeast = 2;  // ZB-H2

/// Tensors of a micro-batch that the block reads or writes.
std::set<TensorId> kept_tensors(const StepProgram& program, BlockId id) {
  std::set<TensorId> tensors;
  for (const Op& op : program.block(id).ops) {
    for (const Operand& operand : op.operands) {
      const Tensor& tensor = program.tensor(operand.tensor);
      if (tensor.lifetime == Lifetime::micro_batch && !tensor.on_host) tensors.insert(operand.tensor);
    }
  }
  return tensors;
}

double bytes_of(const StepProgram& program, const std::set<TensorId>& tensors) {
  double bytes = 0.0;
  for (const TensorId id : tensors) bytes += program.tensor(id).local_bytes().as_double();
  return bytes;
}

Bytes touched(const StepProgram& program, const Op& op) {
  Bytes bytes;
  for (const Operand& operand : op.operands) bytes += program.tensor(operand.tensor).local_bytes();
  return bytes;
}

/// The time of a block's kernels, each limited by arithmetic or by memory.
Seconds time_of(const JobSpec& job, const StepProgram& program, BlockId id) {
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  const auto type = static_cast<std::size_t>(product_type(job.training.precision, job.training.fp8_scaling));
  const std::optional<GemmRate>& rate = accelerator.gemm[type];
  Seconds time;
  for (const Op& op : program.block(id).ops) {
    if (!is_kernel(op)) continue;
    const Seconds by_memory = touched(program, op) / accelerator.memory_bandwidth;
    const Seconds by_arithmetic =
        rate ? op_flops(op).executed / (rate->peak * rate->efficiency) : Seconds(0.0);
    time += std::max(by_memory, by_arithmetic);
  }
  return time;
}

}  // namespace

std::int64_t weight_lag(const JobSpec& job, const StepProgram& program, const PassBlocks& layer) {
  if (job.training.schedule != ScheduleKind::zero_bubble_2p || !layer.weight) return kLeast;
  const Seconds weight = time_of(job, program, *layer.weight);
  const std::set<TensorId> for_weight = kept_tensors(program, *layer.weight);
  const double waiting = bytes_of(program, for_weight);
  if (weight <= Seconds(0.0) || waiting <= 0.0) return kLeast;

  const Seconds chain = time_of(job, program, layer.forward) + time_of(job, program, layer.backward);
  std::set<TensorId> saved = kept_tensors(program, layer.backward);
  saved.insert(for_weight.begin(), for_weight.end());
  std::erase_if(
      saved, [forward = kept_tensors(program, layer.forward)](TensorId id) { return !forward.contains(id); });
  const double needed = std::ceil(chain / weight);
  const double allowed = std::floor(2.0 * bytes_of(program, saved) / waiting);
  return std::max(kLeast, static_cast<std::int64_t>(std::min(needed, allowed)));
}

}  // namespace foreshard
