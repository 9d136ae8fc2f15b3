#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/step/rank_lanes.hpp"

namespace foreshard {

/// A tensor that operations of at least two lanes touch, so that lanes wait for each other because of it, or
/// that the host waits for. Other tensors of a single lane need not be tracked, because a lane is first-in
/// first-out.
struct SharedTensor {
  Lifetime lifetime = Lifetime::block;
  bool per_layer = true;
};

/// How an operation touches a shared tensor.
struct SharedOperand {
  std::uint32_t tensor = 0;  ///< index into ProgramPlan::shared
  std::int32_t layer_shift = 0;
  Access access = Access::read;
};

/// What the simulator needs to know about an operation to run it; computed once and used for every instance.
struct OpPlan {
  SimTime duration;  ///< zero for a Recv: the transfer's time is that of its Send
  BlockId block;
  OpId op;
  std::uint32_t first_operand = 0;  ///< index into ProgramPlan::operands
  std::uint32_t operands = 0;       ///< number of operands
  RankLane lane = kComputeLane;
  Component component = Component::ffn;
  bool after_compute = false;     ///< starts when all compute issued before it has ended
  bool blocks_compute = false;    ///< compute issued after it waits for its end
  bool holds_former = false;      ///< compute issued after it waits for the operation before it in its lane
  bool marks_block_call = false;  ///< its start is the start of the block call
  std::int32_t pieces = 1;        ///< number of tasks into which it is cut
  std::int32_t blocks_early = 0;  ///< for a prefetched gather: how many block calls earlier it is issued
  bool is_host_point = false;     ///< it starts when the host has issued it (host_points.hpp)
  bool stops_host = false;        ///< the host then waits until `awaited` has been written
  SharedOperand awaited{};        ///< valid if stops_host
  SimTime host{};                 ///< of a host point: host time from the point before it to this one
};

/// True for kernels whose time is booked as the optimizer's.
constexpr bool is_of_optimizer(const OpPlan& op) {
  return op.component == Component::optimizer || op.component == Component::gradient_sync;
}

/// A step program prepared for simulation.
struct ProgramPlan {
  std::vector<OpPlan> ops;              ///< operations of all blocks, block by block
  std::vector<std::uint32_t> first_op;  ///< by BlockId: index of its first op; one more entry marks the end
  std::vector<SharedOperand> operands;  ///< shared operands of all ops
  std::vector<SharedTensor> shared;
  std::int32_t lowest_shift = 0;  ///< lowest layer_shift of any operand
  std::int32_t highest_shift = 0;
  std::int32_t most_blocks_early = 0;

  [[nodiscard]] std::span<const SharedOperand> operands_of(const OpPlan& op) const {
    return std::span(operands).subspan(op.first_operand, op.operands);
  }
  [[nodiscard]] std::span<const SharedOperand> operands_of_block(BlockId block) const {
    if (first_op[block.at()] == first_op[block.at() + 1]) return {};
    const OpPlan& first = ops[first_op[block.at()]];
    const OpPlan& last = ops[first_op[block.at() + 1] - 1];
    return std::span(operands).subspan(first.first_operand,
                                       last.first_operand + last.operands - first.first_operand);
  }
};

/// Prepares a program with the times of its operations.
/// @throws ResultError for a duration that cannot be simulated; std::invalid_argument if `times` does not
/// match the program, or a kernel is on a communication lane.
ProgramPlan plan_program(const StepProgram& program, const OpTimes& times);

}  // namespace foreshard
