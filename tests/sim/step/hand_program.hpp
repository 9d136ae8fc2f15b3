#pragma once

// Step programs written by hand, with a duration for each operation.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/program/step_program.hpp"
#include "sim/step/simulate_step.hpp"

namespace foreshard::hand {

/// Durations in these programs are whole nanoseconds.
inline Seconds nanoseconds(std::int64_t n) { return Seconds(static_cast<double>(n) * 1e-9); }
inline std::int64_t in_ns(SimTime time) { return time.picoseconds() / 1000; }

inline Operand read(TensorId tensor, int shift = 0) {
  return {.tensor = tensor, .access = Access::read, .layer_shift = static_cast<std::int16_t>(shift)};
}
inline Operand write(TensorId tensor, int shift = 0) {
  return {.tensor = tensor, .access = Access::write, .layer_shift = static_cast<std::int16_t>(shift)};
}
inline Operand add_to(TensorId tensor, int shift = 0) {
  return {.tensor = tensor, .access = Access::accumulate, .layer_shift = static_cast<std::int16_t>(shift)};
}

/// An operation with its duration.
struct TimedOp {
  Op op;
  std::int64_t ns = 0;
};

inline TimedOp kernel(std::string name, std::int64_t ns, std::vector<Operand> operands) {
  Op op;
  op.kind = Gemm{.batch = 1, .m = 1, .n = 1, .k = 1};
  op.name = std::move(name);
  op.operands = std::move(operands);
  return {std::move(op), ns};
}
inline TimedOp collective(std::string name, GroupKind group, Lane lane, std::int64_t ns,
                          std::vector<Operand> operands) {
  Op op;
  op.kind = Collective{
      .kind = CollectiveKind::all_reduce, .group = group, .reduction = Reduction::sum, .payload = {}};
  op.name = std::move(name);
  op.operands = std::move(operands);
  op.lane = lane;
  return {std::move(op), ns};
}
inline TimedOp send(Peer peer, std::int64_t ns, std::vector<Operand> operands) {
  Op op;
  op.kind = Send{.peer = peer, .payload = {}};
  op.name = "send";
  op.component = Component::pipeline;
  op.operands = std::move(operands);
  op.lane = peer == Peer::next_stage ? Lane::pp_forward : Lane::pp_backward;
  return {std::move(op), ns};
}
inline TimedOp receive(Peer peer, std::vector<Operand> operands) {
  Op op;
  op.kind = Recv{.peer = peer, .payload = {}};
  op.name = "receive";
  op.component = Component::pipeline;
  op.operands = std::move(operands);
  op.lane = peer == Peer::previous_stage ? Lane::pp_forward : Lane::pp_backward;
  return {std::move(op), 0};
}

/// A program with the times of its operations.
struct HandProgram {
  StepProgram program;
  OpTimes times;

  explicit HandProgram(std::int64_t stages = 1, std::int64_t micro_batches = 1) {
    program.name = "by hand";
    program.micro_batches = micro_batches;
    program.stages.resize(static_cast<std::size_t>(stages));
    for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
      program.groups.push_back({static_cast<GroupKind>(kind), 1, 1});
  }
  TensorId tensor(std::string name, Lifetime lifetime, bool per_layer = true) {
    Tensor made;
    made.label = std::move(name);
    made.lifetime = lifetime;
    made.per_layer = per_layer;
    made.dims = {Dim{.name = DimName::flat, .size = 1}};
    program.tensors.push_back(std::move(made));
    return TensorId(program.tensors.size() - 1);
  }
  BlockId block(std::string name, std::vector<TimedOp> ops, Pass pass = Pass::once) {
    Block made;
    made.name = std::move(name);
    made.pass = pass;
    auto& row = times.emplace_back();
    for (TimedOp& timed : ops) {
      made.ops.push_back(std::move(timed.op));
      row.push_back({nanoseconds(timed.ns), Limit::compute});
    }
    program.blocks.push_back(std::move(made));
    return BlockId(program.blocks.size() - 1);
  }
  /// Adds a block call outside all micro-batches.
  void run_once(std::size_t stage, BlockId id, std::int32_t layer = 0) {
    program.stages[stage].prologue.push_back({id, LayerId(layer)});
  }
};

/// A pipeline of equal stages: the times of forward and backward of one chunk for one micro-batch, the same
/// on every stage, and of a transfer between neighbouring stages.
struct PipelineShape {
  ScheduleShape schedule;
  std::int64_t forward_ns = 0;
  std::int64_t backward_ns = 0;
  std::int64_t transfer_ns = 0;
  bool transfers_hold_compute = false;
  std::int64_t weight_ns = 0;  ///< if the schedule computes weight gradients separately
  bool steps_overlap = false;
};

inline HandProgram make_pipeline(const PipelineShape& shape) {
  const std::int64_t p = shape.schedule.stages;
  const std::int64_t v = shape.schedule.chunks;
  HandProgram hand(p, shape.schedule.micro_batches);
  hand.program.steps_overlap = shape.steps_overlap;
  const TensorId hidden = hand.tensor("hidden", Lifetime::micro_batch);
  const TensorId gradient = hand.tensor("d.hidden", Lifetime::micro_batch);
  const BlockId forward = hand.block(
      "forward", {kernel("forward", shape.forward_ns, {read(hidden), write(hidden, 1)})}, Pass::forward);
  const BlockId backward =
      hand.block("backward", {kernel("backward", shape.backward_ns, {read(gradient, 1), write(gradient)})},
                 Pass::backward);
  std::optional<BlockId> weight;
  if (splits_backward(shape.schedule.kind)) {
    const TensorId kept = hand.tensor("kept", Lifetime::micro_batch);
    const TensorId weights = hand.tensor("d.weights", Lifetime::step);
    hand.program.blocks[backward.at()].ops[0].operands.push_back(write(kept));
    weight = hand.block("weight", {kernel("weight", shape.weight_ns, {read(kept), add_to(weights)})},
                        Pass::weight);
  }
  /// The blocks of transfers that go from a piece to the next stage, or to the previous one in a V.
  struct Transfers {
    BlockId send_forward;
    BlockId receive_forward;
    BlockId send_backward;
    BlockId receive_backward;
  };
  const auto transfers = [&](Peer to) {
    const bool is_usual = to == Peer::next_stage;
    const Peer from = is_usual ? Peer::previous_stage : Peer::next_stage;
    const auto on_lane = [&](TimedOp timed, Lane usual, Lane turned) {
      timed.op.lane = is_usual ? usual : turned;
      timed.op.blocks_compute = shape.transfers_hold_compute && std::holds_alternative<Send>(timed.op.kind);
      return std::vector{timed};
    };
    const auto forward_lane = [&](TimedOp timed) {
      return on_lane(std::move(timed), Lane::pp_forward, Lane::pp_forward_turned);
    };
    const auto backward_lane = [&](TimedOp timed) {
      return on_lane(std::move(timed), Lane::pp_backward, Lane::pp_backward_turned);
    };
    const std::string turned = is_usual ? "" : ", turned";
    return Transfers{
        .send_forward = hand.block("send forward" + turned,
                                   forward_lane(send(to, shape.transfer_ns, {read(hidden)})), Pass::forward),
        .receive_forward = hand.block("receive forward" + turned,
                                      forward_lane(receive(from, {write(hidden)})), Pass::forward),
        .send_backward =
            hand.block("send backward" + turned,
                       backward_lane(send(from, shape.transfer_ns, {read(gradient)})), Pass::backward),
        .receive_backward = hand.block("receive backward" + turned,
                                       backward_lane(receive(to, {write(gradient)})), Pass::backward)};
  };
  const bool in_v = runs_in_v(shape.schedule.kind);
  const Placement placement = Placement::along(in_v ? PieceOrder::v_shape : PieceOrder::round_robin, p,
                                               std::vector<std::int64_t>(static_cast<std::size_t>(p * v), 1));
  const Transfers usual = transfers(Peer::next_stage);
  const std::optional<Transfers> turned =
      in_v ? std::optional(transfers(Peer::previous_stage)) : std::nullopt;
  const auto behind = [&](std::size_t piece) -> const Transfers* {
    const std::optional<Peer> way = placement.way_on(piece);
    if (!way) return nullptr;
    return *way == Peer::next_stage ? &usual : &turned.value();
  };

  for (std::int64_t s = 0; s < p; ++s) {
    StageProgram& stage = hand.program.stages[static_cast<std::size_t>(s)];
    for (std::int64_t c = 0; c < v; ++c) {
      const std::size_t piece =
          placement.index(StageId(static_cast<std::int32_t>(s)), ChunkId(static_cast<std::int32_t>(c)));
      const LayerId layer(static_cast<std::int32_t>(piece));
      const LayerId above(static_cast<std::int32_t>(piece + 1));
      const Transfers* before = piece > 0 ? behind(piece - 1) : nullptr;
      const Transfers* next = behind(piece);
      Chunk chunk;
      if (before != nullptr) chunk.forward.push_back({before->receive_forward, layer});
      chunk.forward.push_back({forward, layer});
      if (next != nullptr) chunk.forward.push_back({next->send_forward, above});
      if (next != nullptr) chunk.backward.push_back({next->receive_backward, above});
      chunk.backward.push_back({backward, layer});
      if (before != nullptr) chunk.backward.push_back({before->send_backward, layer});
      if (weight) chunk.weight.push_back({*weight, layer});
      stage.chunks.push_back(std::move(chunk));
    }
    stage.order = stage_order(shape.schedule, StageId(static_cast<std::int32_t>(s)));
  }
  return hand;
}

inline SimulationResult simulate(const HandProgram& hand, TimelineSink& sink,
                                 const SimulationOptions& options = {}) {
  return simulate_step(hand.program, hand.times, sink, options);
}
inline SimulationResult simulate(const HandProgram& hand, const SimulationOptions& options = {}) {
  NoTimeline nothing;
  return simulate(hand, nothing, options);
}

/// The spans of the operation with this name, in the order in which they ended.
inline std::vector<Span> spans_named(const HandProgram& hand, const Timeline& timeline,
                                     const std::string& name) {
  std::vector<Span> found;
  for (const Span& span : timeline.spans()) {
    if (hand.program.block(span.block).ops[span.op.at()].name == name) found.push_back(span);
  }
  return found;
}

}  // namespace foreshard::hand
