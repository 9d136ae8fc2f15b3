#include "planner/program/dependencies/wait_rule.hpp"

#include <algorithm>
#include <optional>
#include <variant>

#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

bool fills_layer_buffer(const StepProgram& program, const Op& op) {
  return (std::holds_alternative<Collective>(op.kind) || std::holds_alternative<HostCopy>(op.kind)) &&
         std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
           return operand.access == Access::write &&
                  program.tensor(operand.tensor).lifetime == Lifetime::layer;
         });
}

}  // namespace

Queue queue_of(const Op& op) {
  const auto own = static_cast<Queue>(op.lane);
  const std::optional<Communication> communication = communication_of(op);
  if (!communication) return own;
  return std::visit(
      overloaded{[&](const Send&) { return own; },
                 [&](const Recv&) { return receive_queue(transfer_place(op.lane).value()); },
                 [&](const Collective& collective) {
                   if (collective.group == GroupKind::world || collective.group == GroupKind::pp)
                     return static_cast<Queue>(Lane::world);
                   return collective.group == GroupKind::tied ? static_cast<Queue>(Lane::tied) : own;
                 }},
      *communication);
}

bool holds_former(const Op& op) {
  const auto* copy = std::get_if<HostCopy>(&op.kind);
  return copy != nullptr && copy->way == HostWay::to_host;
}

bool starts_after_compute(const StepProgram& program, const Op& op) {
  return op.after_compute || op.prefetch_blocks > 0 || fills_layer_buffer(program, op);
}

}  // namespace foreshard
