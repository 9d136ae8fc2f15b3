#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The time of every operation of a program, as [block][op]. The cost model is asked once for each.
using OpTimes = std::vector<std::vector<OpTime>>;
OpTimes price_operations(const StepProgram& program, const CostModel& cost);

/// What LanePlayer needs to know about an operation; computed once for all stages.
struct LaneOp {
  /// A use of a shared tensor. A tensor is shared if operations of at least two lanes touch it, so that one
  /// lane can wait for another through it, or if the host waits for it.
  struct Use {
    std::uint32_t tensor = 0;  ///< index into LanePlan::tensors
    std::int32_t layer_shift = 0;
    Access access = Access::read;
  };
  double seconds = 0.0;          ///< 0 for a Recv, because its Send has the time
  Queue queue = 0;               ///< lane, numbered as by queue_of()
  CommAxis axis = CommAxis::tp;  ///< of what is no kernel
  bool is_kernel = false;        ///< of the device
  bool is_of_optimizer = false;  ///< a kernel that the breakdown counts as the optimizer's
  bool after_compute = false;    ///< starts when all kernels issued before it have ended
  bool blocks_compute = false;
  bool holds_former = false;  ///< the next kernel waits for the operation before it in its queue
  enum class Transfer : std::uint8_t { none, send, receive };
  Transfer transfer = Transfer::none;
  std::size_t transfer_lane = 0;  ///< of a transfer: the place of its lane in kTransferLanes
  bool joins_stages = false;      ///< a collective over several stages
  double pieces = 1.0;            ///< number of pieces of a pipelined collective and of its matrix products
  double host = 0.0;              ///< of a host point: host time from the point before it to this one
  bool is_host_point = false;     ///< it starts when the host has issued it (host_points.hpp)
  bool stops_host = false;        ///< the host then waits until `awaited` has been written
  Use awaited{};                  ///< valid if stops_host
  std::int32_t blocks_early = 0;  ///< blocks by which a prefetched gather is issued ahead
  std::uint32_t first_use = 0;    ///< index into LanePlan::uses
  std::uint32_t uses = 0;
};

/// A step program in the form that LanePlayer runs, by the rules of
/// planner/program/dependencies/wait_rule.hpp.
struct LanePlan {
  struct SharedTensor {
    Lifetime lifetime = Lifetime::block;
    bool per_layer = true;
  };
  std::vector<LaneOp> ops;              ///< operations of all blocks, one block after the other
  std::vector<std::uint32_t> first_op;  ///< indexed by BlockId; one extra entry marks the end
  std::vector<LaneOp::Use> uses;        ///< of all operations
  std::vector<SharedTensor> tensors;
  std::int32_t lowest_shift = 0;  ///< smallest layer_shift of any use
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
