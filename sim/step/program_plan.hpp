#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/step/rank_lanes.hpp"

namespace foreshard {

/// A tensor through which lanes wait for each other: operations of at least two lanes touch it. Other tensors
/// need no watching, because a lane is first-in first-out.
struct SharedTensor {
  Lifetime lifetime = Lifetime::block;
  bool per_layer = true;
};

/// How an operation touches a shared tensor.
struct SharedOperand {
  std::uint32_t tensor = 0;  ///< into ProgramPlan::shared
  std::int32_t layer_shift = 0;
  Access access = Access::read;
};

/// What the simulator must know of an operation to run it: worked out once, used for every instance.
struct OpPlan {
  SimTime duration;  ///< a Recv takes no time of its own: its Send does
  BlockId block;
  OpId op;
  std::uint32_t first_operand = 0;  ///< into ProgramPlan::operands
  std::uint32_t operands = 0;
  RankLane lane = kComputeLane;
  Component component = Component::ffn;
  bool after_compute = false;  ///< starts when all compute before it, at its place of issue, has ended
  bool blocks_compute = false;
  bool marks_block_call = false;  ///< its start is the start of the visit
  std::int32_t pieces = 1;        ///< runs as so many tasks
  std::int32_t blocks_early = 0;  ///< of a gather that is issued ahead
  std::int32_t submits = 0;       ///< of a block's last kernel: how many the block has; else 0
};

/// True for kernels whose time is the optimizer's.
constexpr bool is_of_optimizer(const OpPlan& op) {
  return op.component == Component::optimizer || op.component == Component::gradient_sync;
}

/// A step program made ready to be played.
struct ProgramPlan {
  std::vector<OpPlan> ops;              ///< of all blocks, one block after the other
  std::vector<std::uint32_t> first_op;  ///< by BlockId, and one behind the last
  std::vector<SharedOperand> operands;  ///< of all ops
  std::vector<SharedTensor> shared;
  std::int32_t lowest_shift = 0;  ///< of any operand
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

/// @throws ResultError for a duration that cannot be simulated; std::invalid_argument where `times`
/// does not fit the program, or a kernel queues on a communication lane.
ProgramPlan plan_program(const StepProgram& program, const OpTimes& times);

}  // namespace foreshard
