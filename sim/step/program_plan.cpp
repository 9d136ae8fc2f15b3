#include "sim/step/program_plan.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/cost/step/host_points.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/units/result_error.hpp"

namespace foreshard {

namespace {

bool touches(const Op& op, TensorId tensor, bool writes) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    return operand.tensor == tensor &&
           (writes ? operand.access != Access::read : operand.access != Access::write);
  });
}

/// True if the product reads what the communication writes, or writes what the communication reads.
bool runs_asynchronously(const Block& block, std::size_t product, std::size_t communication) {
  const bool feeds = product < communication;
  const Op& first = block.ops[feeds ? product : communication];
  const Op& second = block.ops[feeds ? communication : product];
  return std::any_of(first.operands.begin(), first.operands.end(), [&](const Operand& operand) {
    return operand.access != Access::read && touches(second, operand.tensor, false);
  });
}

/// The number of pieces into which each operation of a block is cut. A pipelined collective has as many as
/// its group has members, and so have the matrix products that it overlaps with.
std::vector<std::int32_t> pieces_of(const StepProgram& program, const Block& block) {
  std::vector<std::int32_t> pieces(block.ops.size(), 1);
  for (std::size_t c = 0; c < block.ops.size(); ++c) {
    const auto* collective = std::get_if<Collective>(&block.ops[c].kind);
    if (collective == nullptr || !block.ops[c].pipelined) continue;
    pieces[c] = static_cast<std::int32_t>(std::max<std::int64_t>(program.group(collective->group).size, 1));
    for (std::size_t p = 0; p < block.ops.size(); ++p) {
      if (is_product(block.ops[p]) && runs_asynchronously(block, p, c))
        pieces[p] = std::max(pieces[p], pieces[c]);
    }
  }
  return pieces;
}

/// For each TensorId, its index among the shared tensors, if it is shared.
std::vector<std::optional<std::uint32_t>> find_shared(const StepProgram& program, ProgramPlan& plan) {
  constexpr RankLane kNoLane = kRankLanes;
  std::vector<RankLane> lane_of(program.tensors.size(), kNoLane);
  std::vector<std::optional<std::uint32_t>> shared(program.tensors.size());
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      for (const Operand& operand : op.operands) {
        const std::size_t id = operand.tensor.at();
        const RankLane lane = queue_of(op);
        if (lane_of[id] == kNoLane) lane_of[id] = lane;
        if (lane_of[id] == lane || shared[id]) continue;
        shared[id] = static_cast<std::uint32_t>(plan.shared.size());
        plan.shared.push_back({program.tensors[id].lifetime, program.tensors[id].per_layer});
      }
      if (!op.host_awaits || shared[op.host_awaits->at()]) continue;
      const Tensor& awaited = program.tensor(*op.host_awaits);
      shared[op.host_awaits->at()] = static_cast<std::uint32_t>(plan.shared.size());
      plan.shared.push_back({awaited.lifetime, awaited.per_layer});
    }
  }
  return shared;
}

/// The duration of an operation. A Recv has none of its own: the transfer's time is that of its Send.
SimTime duration_of(const Op& op, const Block& block, Seconds time) {
  if (std::holds_alternative<Recv>(op.kind)) return {};
  try {
    return to_sim_time(time);
  } catch (const ResultError&) {
    throw ResultError(fmt::format("\"{}\" of \"{}\" takes {} s, which cannot be simulated", op.name,
                                  block.name, time.value()));
  }
}

/// True for a kernel on a lane of communication or copies.
bool is_lost_kernel(const Op& op) {
  return !is_kernel(op) && !is_communication(op) && !std::holds_alternative<HostCopy>(op.kind) &&
         op.lane != Lane::cpu;
}

void check_shape(const StepProgram& program, const OpTimes& times) {
  bool fits = times.size() == program.blocks.size();
  for (std::size_t b = 0; fits && b < times.size(); ++b)
    fits = times[b].size() == program.blocks[b].ops.size();
  if (!fits)
    throw std::invalid_argument("the table of times does not have one time per operation of the program");
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      if (is_lost_kernel(op)) {
        throw std::invalid_argument(
            fmt::format("\"{}\" of \"{}\" is a kernel on a communication lane", op.name, block.name));
      }
    }
  }
}

}  // namespace

ProgramPlan plan_program(const StepProgram& program, const OpTimes& times) {
  check_shape(program, times);
  ProgramPlan plan;
  const auto shared = find_shared(program, plan);
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    const Block& block = program.blocks[b];
    plan.first_op.push_back(static_cast<std::uint32_t>(plan.ops.size()));
    const std::vector<std::int32_t> pieces = pieces_of(program, block);
    const std::vector<HostPoint> points = host_points(block, times[b]);
    const auto first_kernel = std::find_if(block.ops.begin(), block.ops.end(), is_kernel);
    const auto mark = first_kernel == block.ops.end() ? 0 : first_kernel - block.ops.begin();
    for (std::size_t o = 0; o < block.ops.size(); ++o) {
      const Op& op = block.ops[o];
      OpPlan planned{
          .duration = duration_of(op, block, times[b][o].time), .block = BlockId(b), .op = OpId(o)};
      planned.lane = queue_of(op);
      planned.component = op.component;
      planned.after_compute = starts_after_compute(program, op);
      planned.blocks_compute = op.blocks_compute;
      planned.holds_former = holds_former(op);
      planned.marks_block_call = static_cast<std::ptrdiff_t>(o) == mark;
      planned.pieces = pieces[o];
      planned.is_host_point = points[o].is_point;
      planned.host = to_sim_time(points[o].host);
      planned.blocks_early = op.prefetch_blocks;
      plan.most_blocks_early = std::max(plan.most_blocks_early, planned.blocks_early);
      planned.first_operand = static_cast<std::uint32_t>(plan.operands.size());
      for (const Operand& operand : op.operands) {
        if (!shared[operand.tensor.at()]) continue;
        plan.operands.push_back({*shared[operand.tensor.at()], operand.layer_shift, operand.access});
        if (op.host_awaits == operand.tensor) {
          planned.stops_host = true;
          planned.awaited = plan.operands.back();
        }
        plan.lowest_shift = std::min<std::int32_t>(plan.lowest_shift, operand.layer_shift);
        plan.highest_shift = std::max<std::int32_t>(plan.highest_shift, operand.layer_shift);
      }
      planned.operands = static_cast<std::uint32_t>(plan.operands.size()) - planned.first_operand;
      plan.ops.push_back(planned);
    }
  }
  plan.first_op.push_back(static_cast<std::uint32_t>(plan.ops.size()));
  return plan;
}

}  // namespace foreshard
