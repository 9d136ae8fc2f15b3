#include "planner/program/passes/gathered_copies.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace foreshard {

namespace {

/// The activation of all tokens that a sequence-parallel collective gathers or scatters; none for all other
/// operations. The rows of experts are gathered in the order in which they are stored.
std::optional<TensorId> whole_sequence(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  if (collective == nullptr || collective->group != GroupKind::tp || op.pipelined) return std::nullopt;
  if (op.component == Component::experts || op.component == Component::gradient_sync) return std::nullopt;
  if (collective->kind == CollectiveKind::all_gather) return op.operands.back().tensor;
  if (collective->kind == CollectiveKind::reduce_scatter) return op.operands.front().tensor;
  return std::nullopt;
}

Op copy_of(const Op& collective, TensorId whole, const StepProgram& program) {
  Op copy;
  copy.name = collective.name + " copy";
  copy.component = collective.component;
  copy.phase = collective.phase;
  copy.kind = Pointwise{PointwiseKind::relayout, program.tensor(whole).local_elements()};
  copy.operands = {{whole, Access::accumulate, 0}};
  return copy;
}

}  // namespace

void add_sequence_copies(const JobSpec& job, StepProgram& program) {
  if (!job.conventions().copies_sequences || !job.parallelism.sequence_parallel) return;
  for (Block& block : program.blocks) {
    std::vector<Op> ops;
    for (Op& op : block.ops) {
      const std::optional<TensorId> whole = whole_sequence(op);
      if (!whole) {
        ops.push_back(std::move(op));
        continue;
      }
      Op copy = copy_of(op, *whole, program);
      const bool gathers = std::get<Collective>(op.kind).kind == CollectiveKind::all_gather;
      ops.push_back(gathers ? std::move(op) : copy);
      ops.push_back(gathers ? std::move(copy) : std::move(op));
    }
    block.ops = std::move(ops);
  }
}

}  // namespace foreshard
