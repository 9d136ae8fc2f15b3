#include "planner/program/dependencies/wait_rule.hpp"

#include <algorithm>

namespace foreshard {

namespace {

bool fills_layer_buffer(const StepProgram& program, const Op& op) {
  return std::holds_alternative<Collective>(op.kind) &&
         std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
           return operand.access == Access::write &&
                  program.tensor(operand.tensor).lifetime == Lifetime::layer;
         });
}

}  // namespace

Queue queue_of(const Op& op) {
  if (const auto* send = std::get_if<Send>(&op.kind))
    return static_cast<Queue>(send->peer == Peer::next_stage ? Lane::pp_forward : Lane::pp_backward);
  if (const auto* receive = std::get_if<Recv>(&op.kind))
    return receive->peer == Peer::previous_stage ? kReceivesFromPrevious : kReceivesFromNext;
  if (const auto* collective = std::get_if<Collective>(&op.kind)) {
    if (collective->group == GroupKind::world || collective->group == GroupKind::pp)
      return static_cast<Queue>(Lane::world);
    if (collective->group == GroupKind::tied) return static_cast<Queue>(Lane::tied);
  }
  return static_cast<Queue>(op.lane);
}

bool starts_after_compute(const StepProgram& program, const Op& op) {
  return op.after_compute || op.prefetch_blocks > 0 || fills_layer_buffer(program, op);
}

}  // namespace foreshard
