#include "planner/cost/step/lane_plan.hpp"

#include <algorithm>
#include <optional>

#include "planner/cost/step/host_points.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

/// The group on whose links a communication runs. Returns the pipeline's group if `op` is not a
/// communication.
GroupKind group_of(const Op& op) {
  const std::optional<Communication> communication = communication_of(op);
  if (!communication) return GroupKind::pp;
  return std::visit(overloaded{[](const Collective& collective) { return collective.group; },
                               [](const one_of<Send, Recv> auto&) { return GroupKind::pp; }},
                    *communication);
}

/// Finds the tensors that operations of several queues touch or that the host waits for. Returns by TensorId
/// the tensor's number among these, or none for any other tensor.
std::vector<std::optional<std::uint32_t>> find_shared_tensors(const StepProgram& program, LanePlan& plan) {
  constexpr std::size_t kNone = SIZE_MAX;
  std::vector<std::size_t> queue(program.tensors.size(), kNone);
  std::vector<std::optional<std::uint32_t>> shared(program.tensors.size());
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      for (const Operand& operand : op.operands) {
        const std::size_t id = operand.tensor.at();
        if (queue[id] == kNone) queue[id] = queue_of(op);
        if (queue[id] == queue_of(op) || shared[id]) continue;
        shared[id] = static_cast<std::uint32_t>(plan.tensors.size());
        plan.tensors.push_back({program.tensors[id].lifetime, program.tensors[id].per_layer});
      }
      if (!op.host_awaits || shared[op.host_awaits->at()]) continue;
      const Tensor& awaited = program.tensor(*op.host_awaits);
      shared[op.host_awaits->at()] = static_cast<std::uint32_t>(plan.tensors.size());
      plan.tensors.push_back({awaited.lifetime, awaited.per_layer});
    }
  }
  return shared;
}

bool reads(const Op& op, TensorId tensor) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    return operand.tensor == tensor && operand.access != Access::write;
  });
}

/// True if `second` reads a tensor that `first` writes.
bool feeds(const Op& first, const Op& second) {
  return std::any_of(first.operands.begin(), first.operands.end(), [&](const Operand& operand) {
    return operand.access != Access::read && reads(second, operand.tensor);
  });
}

/// Sets the number of pieces of pipelined collectives and their products. A pipelined collective has as many
/// pieces as its group has members; so have the matrix products whose result it sends or that read its
/// result.
void cut_into_pieces(const StepProgram& program, const Block& block, std::span<LaneOp> ops) {
  for (std::size_t c = 0; c < block.ops.size(); ++c) {
    const auto* collective = std::get_if<Collective>(&block.ops[c].kind);
    if (collective == nullptr || !block.ops[c].pipelined) continue;
    ops[c].pieces = static_cast<double>(std::max<std::int64_t>(program.group(collective->group).size, 1));
    for (std::size_t p = 0; p < block.ops.size(); ++p) {
      if (!is_product(block.ops[p])) continue;
      const bool is_asynchronous =
          p < c ? feeds(block.ops[p], block.ops[c]) : feeds(block.ops[c], block.ops[p]);
      if (is_asynchronous) ops[p].pieces = std::max(ops[p].pieces, ops[c].pieces);
    }
  }
}

LaneOp::Transfer transfer_of(const Op& op) {
  if (std::holds_alternative<Send>(op.kind)) return LaneOp::Transfer::send;
  return std::holds_alternative<Recv>(op.kind) ? LaneOp::Transfer::receive : LaneOp::Transfer::none;
}

LaneOp lane_op(const StepProgram& program, const Op& op, const OpTime& time) {
  const bool is_receive = std::holds_alternative<Recv>(op.kind);
  const auto* collective = std::get_if<Collective>(&op.kind);
  const GroupKind group = group_of(op);
  return {.seconds = is_receive ? 0.0 : time.time.value(),
          .queue = queue_of(op),
          .axis = is_communication(op) ? axis_of(group) : CommAxis::offload,
          .is_kernel = is_kernel(op),
          .is_of_optimizer = op.component == Component::optimizer || op.component == Component::gradient_sync,
          .after_compute = starts_after_compute(program, op),
          .blocks_compute = op.blocks_compute,
          .holds_former = holds_former(op),
          .transfer = transfer_of(op),
          .transfer_lane = transfer_place(op.lane).value_or(0),
          .joins_stages = collective != nullptr && program.group(group).size > 1 &&
                          (group == GroupKind::world || group == GroupKind::tied || group == GroupKind::pp),
          .blocks_early = op.prefetch_blocks};
}

}  // namespace

OpTimes price_operations(const StepProgram& program, const CostModel& cost) {
  OpTimes times(program.blocks.size());
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    times[b].reserve(program.blocks[b].ops.size());
    for (const Op& op : program.blocks[b].ops) times[b].push_back(cost.time(op, program));
    add_graph_launches(program.blocks[b], cost.host(), times[b]);
  }
  return times;
}

LanePlan plan_lanes(const StepProgram& program, const OpTimes& times) {
  LanePlan plan;
  const auto shared = find_shared_tensors(program, plan);
  std::size_t count = 0;
  for (const Block& block : program.blocks) count += block.ops.size();
  plan.ops.reserve(count);
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    const Block& block = program.blocks[b];
    plan.first_op.push_back(static_cast<std::uint32_t>(plan.ops.size()));
    for (std::size_t o = 0; o < block.ops.size(); ++o) {
      LaneOp planned = lane_op(program, block.ops[o], times[b][o]);
      planned.first_use = static_cast<std::uint32_t>(plan.uses.size());
      for (const Operand& operand : block.ops[o].operands) {
        if (!shared[operand.tensor.at()]) continue;
        plan.uses.push_back({*shared[operand.tensor.at()], operand.layer_shift, operand.access});
        if (block.ops[o].host_awaits == operand.tensor) {
          planned.stops_host = true;
          planned.awaited = plan.uses.back();
        }
        plan.lowest_shift = std::min<std::int32_t>(plan.lowest_shift, operand.layer_shift);
        plan.highest_shift = std::max<std::int32_t>(plan.highest_shift, operand.layer_shift);
      }
      planned.uses = static_cast<std::uint32_t>(plan.uses.size()) - planned.first_use;
      plan.most_blocks_early = std::max(plan.most_blocks_early, planned.blocks_early);
      plan.ops.push_back(planned);
    }
    const std::span<LaneOp> ops = std::span(plan.ops).subspan(plan.first_op.back());
    cut_into_pieces(program, block, ops);
    const std::vector<HostPoint> points = host_points(block, times[b]);
    for (std::size_t o = 0; o < ops.size(); ++o) {
      ops[o].is_host_point = points[o].is_point;
      ops[o].host = points[o].host.value();
    }
  }
  plan.first_op.push_back(static_cast<std::uint32_t>(plan.ops.size()));
  return plan;
}

}  // namespace foreshard
