#include "planner/program/passes/host_waits.hpp"

#include <variant>

namespace foreshard {

namespace {

/// What makes the host of a job wait.
struct HostWaits {
  bool counts = false;        ///< after the rows to send were permuted, before they are sent
  bool counts_first = false;  ///< before the dispatcher's kernels are launched, which permute themselves
  bool transfers = false;
  bool loss = false;
  bool norm = false;
  bool offload = false;  ///< for each copy and each update of optimizer states on the host
};

HostWaits host_waits(const JobSpec& job) {
  const HostConventions host = job.conventions().host;
  const bool is_whole_graph = job.training.graphs == Graphs::full;
  // HybridEP's kernels and the fused products read the counts on the device. Without the latter, the products are
  // called one by one with sizes that the host must know.
  const bool on_device =
      is_whole_graph || (job.training.dispatcher == Dispatcher::hybridep && job.training.fused_grouped_gemm);
  const bool waits = host.awaits_counts && !on_device;
  const bool sends_copies =
      job.training.dispatcher == Dispatcher::deepep || job.training.dispatcher == Dispatcher::hybridep;
  return {.counts = waits && !sends_copies,
          .counts_first = waits && sends_copies,
          .transfers = host.awaits_transfers && !job.training.overlap.pp && !is_whole_graph,
          .loss = host.awaits_loss && !is_whole_graph,
          .norm = host.awaits_norm,
          .offload = !job.conventions().overlaps_offload};
}

bool is_gradient_norm(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  return collective != nullptr && collective->group == GroupKind::world &&
         op.component == Component::optimizer;
}

/// True for the copy of token rows into the order of their experts, in forward passes.
bool is_dispatch(const Op& op) {
  const auto* permute = std::get_if<Permute>(&op.kind);
  return permute != nullptr && !permute->weighted && !is_backward(op.phase);
}

/// True for the choice of experts in forward passes.
bool is_choice(const Op& op) { return std::holds_alternative<Route>(op.kind) && !is_backward(op.phase); }

/// True for what happens to optimizer states on the host when the step ends: gradients leave, the CPU updates, weights
/// come back.
bool is_offloaded_update(const Op& op) {
  return op.component == Component::optimizer &&
         (std::holds_alternative<HostCopy>(op.kind) ||
          (op.lane == Lane::cpu && std::holds_alternative<OptimizerUpdate>(op.kind)));
}

/// True for the operation that writes the loss of a micro-batch.
bool is_loss(const Op& op) {
  const auto* loss = std::get_if<CrossEntropy>(&op.kind);
  return loss != nullptr && loss->part == CrossEntropyPart::loss && op.phase == Phase::forward;
}

}  // namespace

void add_host_waits(const JobSpec& job, StepProgram& program) {
  const HostWaits waits = host_waits(job);
  for (Block& block : program.blocks) {
    for (Op& op : block.ops) {
      if (waits.counts && is_dispatch(op)) op.host_awaits = op.operands[1].tensor;  // the routes
      if (waits.counts_first && is_choice(op)) op.host_awaits = op.operands.back().tensor;
      if (waits.transfers && std::holds_alternative<Recv>(op.kind))
        op.host_awaits = op.operands.front().tensor;
      if (waits.loss && is_loss(op)) op.host_awaits = op.operands.back().tensor;
      if (waits.offload && is_offloaded_update(op)) op.host_awaits = op.operands.back().tensor;
      if (waits.norm && is_gradient_norm(op)) op.host_awaits = op.operands.front().tensor;
    }
  }
}

}  // namespace foreshard
