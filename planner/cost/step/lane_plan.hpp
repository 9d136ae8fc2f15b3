#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The time of every operation of a program, asked of the cost model once. [block][op]
using OpTimes = std::vector<std::vector<OpTime>>;
OpTimes price_operations(const StepProgram& program, const CostModel& cost);

/// What LanePlayer must know of an operation: worked out once for all stages.
struct LaneOp {
  /// A tensor through which lanes wait for each other: operations of at least two lanes touch it.
  struct Use {
    std::uint32_t tensor = 0;  ///< into LanePlan::tensors
    std::int32_t layer_shift = 0;
    Access access = Access::read;
  };
  double seconds = 0.0;          ///< a Recv takes no time of its own: its Send does
  Queue queue = 0;               ///< as queue_of() numbers them
  CommAxis axis = CommAxis::tp;  ///< of a communication
  bool is_communication = false;
  bool is_of_optimizer = false;  ///< a kernel that the breakdown counts as the optimizer's
  bool after_compute = false;    ///< starts when all compute before it, at its place of issue, has ended
  bool blocks_compute = false;
  enum class Transfer : std::uint8_t { none, send, receive };
  Transfer transfer = Transfer::none;
  Peer peer = Peer::next_stage;   ///< of a transfer
  bool joins_stages = false;      ///< a collective over several stages
  double pieces = 1.0;            ///< a pipelined collective and its products run in so many
  std::int64_t submits = 0;       ///< of a block's last kernel: how many the block has; else 0
  std::int32_t blocks_early = 0;  ///< of a gather that is issued ahead
  std::uint32_t first_use = 0;    ///< into LanePlan::uses
  std::uint32_t uses = 0;
};

/// A step program made ready for LanePlayer, by the rules of planner/program/dependencies/wait_rule.hpp.
struct LanePlan {
  struct SharedTensor {
    Lifetime lifetime = Lifetime::block;
    bool per_layer = true;
  };
  std::vector<LaneOp> ops;              ///< of all blocks, one block after the other
  std::vector<std::uint32_t> first_op;  ///< by BlockId, and one behind the last
  std::vector<LaneOp::Use> uses;        ///< of all operations
  std::vector<SharedTensor> tensors;
  std::int32_t lowest_shift = 0;  ///< of any use
  std::int32_t highest_shift = 0;
  std::int32_t most_blocks_early = 0;

  [[nodiscard]] std::span<const LaneOp> ops_of(BlockId block) const {
    return std::span(ops).subspan(first_op[block.at()], first_op[block.at() + 1] - first_op[block.at()]);
  }
  [[nodiscard]] std::span<const LaneOp::Use> uses_of(const LaneOp& op) const {
    return std::span(uses).subspan(op.first_use, op.uses);
  }
};

LanePlan plan_lanes(const StepProgram& program, const OpTimes& times);

}  // namespace foreshard
