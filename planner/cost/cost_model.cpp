#include "planner/cost/cost_model.hpp"

#include <variant>

namespace foreshard {
namespace {

DType math_of(Precision precision) {
  switch (precision) {
    case Precision::fp32: return DType::fp32;
    case Precision::bf16: return DType::bf16;
    case Precision::fp16: return DType::fp16;
    case Precision::fp8: return DType::fp8;
  }
  return DType::fp32;
}

}  // namespace

CostModel::CostModel(const JobSpec& job)
    : kernels_(job.cluster.accelerator, job.training.flash),
      peak_(kernels_.peak(math_of(job.training.precision))),
      spread_(job.cluster.accelerator.kernels.spread) {
  const KernelConstants& constants = job.cluster.accelerator.kernels;
  // PyTorch's eager mode passes through its dispatcher for every operation: about twice the time of a
  // compiled program's launches. Source: docs/cost_model.md.
  const double eager = job.training.compiled ? 1.0 : 2.0;
  interference_ = {.communication_share = constants.communication_share, .submit = eager * constants.submit};
  if (job.training.launch == Launch::blocking) waiting_ = interference_.submit;
  const DeviceMesh mesh(job.parallelism);
  for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
    links_[kind] = link_of(mesh.group(static_cast<GroupKind>(kind)), job.cluster);
}

OpTime CostModel::time(const Op& op, const StepProgram& program) const {
  if (const auto* collective = std::get_if<Collective>(&op.kind))
    return {collective_time(collective->kind, collective->payload, collective->group), Limit::network};
  if (const auto* send = std::get_if<Send>(&op.kind)) return {transfer_time(send->payload), Limit::network};
  if (const auto* recv = std::get_if<Recv>(&op.kind)) return {transfer_time(recv->payload), Limit::network};
  return kernel_time(op, program);
}

}  // namespace foreshard
