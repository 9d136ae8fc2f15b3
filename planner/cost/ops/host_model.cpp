#include "planner/cost/ops/host_model.hpp"

#include <algorithm>
#include <variant>

#include "planner/units/count.hpp"

namespace foreshard {

namespace {

/// A kernel's launch until the host sees its end: PyTorch's round trip of an elementwise kernel, as NVIDIA's
/// Nsight guide shows it (docs/cost_model.md).
constexpr Seconds kReadBack(20e-6);

/// The host time of a launch on the hosts on which the frameworks' times were measured.
constexpr Seconds kUsualSubmit(5e-6);

/// A view of a tensor made by the host: select in a loop (pyg-team/pytorch-frame pull request 272).
constexpr Seconds kView(2.6e-6);

/// The framework's share of host time, longer on a host that takes longer for a launch. Code of a compiler
/// that the framework does not run by default calls kernels without the framework in between.
HostConventions conventions_of(const JobSpec& job) {
  const FrameworkConventions usual = job.conventions();
  HostConventions host = usual.host;
  const double pace = job.cluster.accelerator.kernels.submit / kUsualSubmit;
  const bool compiler = job.training.compiled && !usual.compiled;
  const double of_operations = compiler ? 0.0 : pace;
  host.operation = of_operations * host.operation;
  host.linear = of_operations * host.linear;
  host.collective = pace * host.collective;
  host.list_call = pace * host.list_call;
  return host;
}

/// Time by which kernels in a CUDA graph follow each other faster.
Seconds saved_by_graph(const KernelConstants& kernels) {
  if (kernels.graph_launch == Seconds(0.0)) return {};
  return std::max(kernels.launch - kernels.graph_launch, Seconds(0.0));
}

/// True for operations that belong to a layer's graph: those whose sizes do not depend on the router.
bool is_of_layer(const Op& op) {
  switch (op.component) {
    case Component::norm:
    case Component::attention:
    case Component::attention_core:
    case Component::mixer:
    case Component::scan:
    case Component::ffn:
    case Component::residual:
    case Component::router: return true;
    case Component::embedding:
    case Component::experts:
    case Component::head:
    case Component::loss:
    case Component::pipeline:
    case Component::gradient_sync:
    case Component::optimizer: return false;
  }
  return false;
}

}  // namespace

HostModel::HostModel(const JobSpec& job)
    : submit_(job.cluster.accelerator.kernels.submit),
      pace_(submit_ / kUsualSubmit),
      saved_by_graph_(saved_by_graph(job.cluster.accelerator.kernels)),
      conventions_(conventions_of(job)),
      graphs_(job.training.graphs),
      is_blocking_(job.training.launch == Launch::blocking) {}

bool HostModel::is_captured(const Op& op) const {
  switch (graphs_) {
    case Graphs::none: return false;
    case Graphs::layer: return is_of_layer(op);
    case Graphs::full:
      return op.component != Component::gradient_sync && op.component != Component::optimizer;
  }
  return false;
}

Seconds HostModel::time(const Op& op, std::int64_t kernels, std::int64_t by_first_call) const {
  if (submit_ == Seconds(0.0) || is_captured(op)) return {};
  if (is_communication(op)) return static_cast<double>(op.calls) * (conventions_.collective + submit_);
  if (std::holds_alternative<HostCopy>(op.kind)) return submit_;
  if (!is_kernel(op)) return {};
  const auto count = static_cast<double>(kernels);
  // One call of a multi-tensor kernel updates many layers' weights: only its launches count.
  if (op.phase == Phase::optimizer) return count * submit_;
  Seconds first = conventions_.operation;
  if (is_product(op))
    first = std::max(first, is_backward(op.phase) ? 0.5 * conventions_.linear : conventions_.linear);
  return first + (count - static_cast<double>(by_first_call)) * conventions_.operation + count * submit_;
}

Seconds HostModel::shard_list(CollectiveKind kind, std::int64_t members, std::int64_t tensors) const {
  // A gather: the caller's view of the weight, PyTorch's of its buffer, and the copy. A scatter flattens the gradient
  // first, which is one more view.
  const bool scatters = kind == CollectiveKind::reduce_scatter;
  const auto copies = static_cast<double>(checked_product(members, scatters ? 1 : tensors));
  return conventions_.list_call + copies * (pace_ * (scatters ? 3.0 : 2.0) * kView + submit_);
}

Seconds HostModel::read_back() const { return submit_ > Seconds(0.0) ? kReadBack : Seconds(0.0); }

Seconds HostModel::change_of_launch(const Op& op) const {
  if (is_captured(op)) return Seconds(0.0) - saved_by_graph_;
  return is_blocking_ ? conventions_.operation + submit_ : Seconds(0.0);
}

}  // namespace foreshard
