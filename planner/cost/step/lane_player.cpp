#include "planner/cost/step/lane_player.hpp"

#include <algorithm>

#include "planner/program/dependencies/wait_rule.hpp"

namespace foreshard {

namespace {

/// The group on whose links a communication runs.
GroupKind group_of(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  return collective != nullptr ? collective->group : GroupKind::pp;
}

constexpr std::size_t index(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace

OpTimes price_operations(const StepProgram& program, const CostModel& cost) {
  OpTimes times(program.blocks.size());
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    times[b].reserve(program.blocks[b].ops.size());
    for (const Op& op : program.blocks[b].ops) times[b].push_back(cost.time(op, program));
  }
  return times;
}

LanePlayer::LanePlayer(const StepProgram& program, const OpTimes& times)
    : program_(program), times_(times), written_(program.tensors.size()) {}

Seconds LanePlayer::data_parallel_end() const {
  return Seconds(std::max(lane_free_[index(Lane::dp)], lane_free_[index(Lane::expert_dp)]));
}

namespace {

/// Plays a rank's block_calls in the order of issue. A buffer that a gather fills is taken to be free.
template <class PlayOp, class Settle>
struct BlockCallPlayer {
  const StepProgram& program;
  std::span<const BlockCall> block_calls;
  PlayOp play_op;
  Settle settle;

  [[nodiscard]] const std::vector<Op>& ops(std::size_t run) const {
    return program.block(block_calls[run].block).ops;
  }
  [[nodiscard]] std::size_t operations(std::size_t run) const { return ops(run).size(); }
  [[nodiscard]] std::int32_t prefetch_blocks(std::size_t run, std::uint32_t op) const {
    return ops(run)[op].prefetch_blocks;
  }
  [[nodiscard]] static bool is_in_use(std::size_t, std::size_t, std::uint32_t) { return false; }
  void issue(std::size_t run, std::uint32_t op) { play_op(block_calls[run], op); }
  void end(std::size_t /*run*/) { settle(); }
};

}  // namespace

void LanePlayer::play(std::span<const BlockCall> block_calls) {
  constexpr std::size_t kMostEarly = 8;
  const auto play_one = [&](const BlockCall& block_call, std::uint32_t op) {
    play_op(program_.block(block_call.block).ops[op], block_call.layer.value(),
            times_[block_call.block.at()][op].time.value());
  };
  const auto settle_now = [&] { settle(); };
  issue_in_order(
      BlockCallPlayer<decltype(play_one), decltype(settle_now)>{program_, block_calls, play_one, settle_now},
      block_calls.size(), kMostEarly);
}

/// Compute waits for what the next block needs.
void LanePlayer::settle() {
  double& compute_free = lane_free_[index(Lane::compute)];
  const auto wait_for = [&](double time, CommAxis axis) {
    if (time <= compute_free) return;
    waited_[static_cast<std::size_t>(axis)] += time - compute_free;
    compute_free = time;
  };
  if (hold_.axis != kCompute) wait_for(hold_.time, static_cast<CommAxis>(hold_.axis));
  wait_for(lane_free_[index(Lane::tp)], CommAxis::tp);
  wait_for(lane_free_[index(Lane::cp)], CommAxis::cp);
  wait_for(lane_free_[index(Lane::ep)], CommAxis::ep);
  wait_for(lane_free_[index(Lane::tied)], CommAxis::pp);
}

LanePlayer::Stamp LanePlayer::ready(const Op& op, std::int32_t layer) const {
  Stamp latest;
  for (const Operand& operand : op.operands) {
    if (operand.access == Access::write) continue;
    const std::int32_t instance = program_.tensor(operand.tensor).per_layer ? layer + operand.layer_shift : 0;
    const Stamp& stamp = written_[operand.tensor.at()][static_cast<std::size_t>(instance) % kLayersKept];
    if (stamp.layer == instance && stamp.whole > latest.whole) latest = stamp;
  }
  return latest;
}

void LanePlayer::stamp(const Op& op, std::int32_t layer, Stamp written) {
  for (const Operand& operand : op.operands) {
    if (operand.access == Access::read) continue;
    const std::int32_t instance = program_.tensor(operand.tensor).per_layer ? layer + operand.layer_shift : 0;
    written.layer = instance;
    written_[operand.tensor.at()][static_cast<std::size_t>(instance) % kLayersKept] = written;
  }
}

void LanePlayer::play_op(const Op& op, std::int32_t layer, double duration) {
  if (is_communication(op)) {
    play_communication(op, layer, duration);
  } else {
    play_compute(op, layer, duration);
  }
}

void LanePlayer::play_compute(const Op& op, std::int32_t layer, double duration) {
  const Stamp inputs = ready(op, layer);
  const Stamp& wait = hold_.time > inputs.time ? hold_ : inputs;
  double& compute_free = lane_free_[index(Lane::compute)];
  const double start = std::max(compute_free, wait.time);
  // Of inputs that arrive in pieces, the last piece's work comes after its arrival.
  const double late = inputs.axis == kCompute ? 0.0 : inputs.whole + duration / inputs.pieces;
  const double end = std::max(start + duration, inputs.pieces > 1.0 ? late : 0.0);
  if (wait.axis != kCompute) waited_[static_cast<std::size_t>(wait.axis)] += start - compute_free;
  if (inputs.axis != kCompute) waited_[static_cast<std::size_t>(inputs.axis)] += end - (start + duration);
  compute_free = end;
  last_compute_ = duration;
  busy_ += duration;
  stamp(op, layer, {.layer = layer, .axis = kCompute, .time = end, .whole = end, .pieces = 1.0});
}

void LanePlayer::play_communication(const Op& op, std::int32_t layer, double duration) {
  if (std::holds_alternative<Recv>(op.kind)) duration = 0.0;  // the sender's side counts the transfer
  const Stamp inputs = ready(op, layer);
  const auto* collective = std::get_if<Collective>(&op.kind);
  const double pieces = op.pipelined && collective != nullptr
                            ? static_cast<double>(program_.group(collective->group).size)
                            : 1.0;
  const double compute_free = lane_free_[index(Lane::compute)];
  const bool follows_product = pieces > 1.0 && inputs.axis == kCompute && inputs.time == compute_free;
  const double first_input =
      follows_product ? inputs.time - last_compute_ * (1.0 - 1.0 / pieces) : inputs.time;

  double& lane_free = lane_free_[index(op.lane)];
  double start = std::max(lane_free, first_input);
  if (op.after_compute) start = std::max(start, compute_free);
  lane_free = std::max(start + duration, follows_product ? inputs.time + duration / pieces : 0.0);
  const auto axis = static_cast<std::int8_t>(axis_of(group_of(op)));
  const bool feeds_in_pieces = pieces > 1.0 && (collective->kind == CollectiveKind::all_gather ||
                                                collective->kind == CollectiveKind::all_to_all);
  const double first_output = feeds_in_pieces ? lane_free - duration * (1.0 - 1.0 / pieces) : lane_free;
  const Stamp written{.layer = layer,
                      .axis = axis,
                      .time = first_output,
                      .whole = lane_free,
                      .pieces = feeds_in_pieces ? pieces : 1.0};
  stamp(op, layer, written);
  if (op.blocks_compute && lane_free > hold_.time) {
    hold_ = {.layer = layer, .axis = axis, .time = lane_free, .whole = lane_free, .pieces = 1.0};
  }
}

}  // namespace foreshard
