#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The time of every operation of a program, asked of the cost model once. [block][op]
using OpTimes = std::vector<std::vector<OpTime>>;
OpTimes price_operations(const StepProgram& program, const CostModel& cost);

/// Runs one rank's block calls on its lanes, in one pass: every lane is first-in first-out in the order of issue, and
/// that is a topological order, so an operation's start is known when it is reached. What waits for what is as
/// wait_rule.hpp says, with these approximations:
/// - Other ranks are taken to be ready: a collective lasts its own time, what a Recv brings is there.
/// - A write does not wait for earlier reads, and a gather that is issued early not for its buffer or for the
///   compute before it.
/// - A pipelined collective is cut into as many pieces as its group has members: it starts with the first
///   piece of the product before it, and the operation that it feeds starts with its first piece and ends a
///   piece's worth after its last.
/// - At the end of a block, compute waits for the block's tensor, context and expert parallel communication
///   and for what holds it: the next block reads the result. Only what overlaps by intent goes on: gradients,
///   weights and pipeline transfers. The gradient norm's few bytes over all ranks go on too: a ring's latency,
///   by which they are priced, is not what a tree takes.
///
/// Example: a gather of 3 s issued one block early and a product of 2 s, in layers 0, 1, 2:
///   dp       gather 0 [0, 3)  gather 1 [3, 6)  gather 2 [6, 9)
///   compute                   product 0 [3, 5)  product 1 [6, 8)  product 2 [9, 11)
/// Compute has waited 3 + 1 + 1 s for dp; a row of layers grows by 3 s each, the gather's time.
///
/// Keeps what the compute lane was busy with, and which axis it waited for when it was not.
class LanePlayer {
 public:
  LanePlayer(const StepProgram& program, const OpTimes& times);

  /// Continues with these visits; gathers that are issued early are issued early.
  void play(std::span<const BlockCall> block_calls);

  /// When the compute lane has finished what was played.
  [[nodiscard]] Seconds compute_end() const { return Seconds(lane_free_[0]); }
  /// When the links between data-parallel replicas have.
  [[nodiscard]] Seconds data_parallel_end() const;
  /// Time that the compute lane waited for each axis so far.
  [[nodiscard]] Seconds waited(CommAxis axis) const {
    return Seconds(waited_[static_cast<std::size_t>(axis)]);
  }
  /// Time that the compute lane was busy so far.
  [[nodiscard]] Seconds busy() const { return Seconds(busy_); }

 private:
  /// When one instance of a tensor was last written, and by which axis if by a communication.
  struct Stamp {
    std::int32_t layer = -1;
    std::int8_t axis = kCompute;
    double time = 0.0;    ///< its first piece is there: a consumer may start
    double whole = 0.0;   ///< all of it is
    double pieces = 1.0;  ///< that a pipelined collective is cut into
  };
  static constexpr std::int8_t kCompute = -1;
  static constexpr std::size_t kLayersKept = 4;  ///< older writes are older than anything that still matters

  void play_op(const Op& op, std::int32_t layer, double duration);
  void play_compute(const Op& op, std::int32_t layer, double duration);
  void play_communication(const Op& op, std::int32_t layer, double duration);
  void settle();
  [[nodiscard]] Stamp ready(const Op& op, std::int32_t layer) const;
  void stamp(const Op& op, std::int32_t layer, Stamp written);

  const StepProgram& program_;
  const OpTimes& times_;
  std::vector<std::array<Stamp, kLayersKept>> written_;
  std::array<double, kLaneCount> lane_free_{};
  Stamp hold_;                 ///< compute waits for this
  double last_compute_ = 0.0;  ///< duration of the last compute operation
  std::array<double, kCommAxisCount> waited_{};
  double busy_ = 0.0;
};

}  // namespace foreshard
