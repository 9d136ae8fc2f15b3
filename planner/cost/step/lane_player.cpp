#include "planner/cost/step/lane_player.hpp"

#include <algorithm>

#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

/// The group on whose links a communication runs.
GroupKind group_of(const Op& op) {
  return std::visit(overloaded{[](const Collective& collective) { return collective.group; },
                               [](const one_of<Send, Recv> auto&) { return GroupKind::pp; }},
                    communication_of(op).value());
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

void LanePlayer::play(std::span<const BlockCall> block_calls) {
  constexpr int kMostEarly = 8;
  std::vector<std::size_t> issued(block_calls.size(),
                                  0);  // leading operations of each visit that ran already
  for (std::size_t i = 0; i < block_calls.size(); ++i) {
    for (int early = 0; early <= kMostEarly && i + static_cast<std::size_t>(early) < block_calls.size();
         ++early) {
      const std::size_t at = i + static_cast<std::size_t>(early);
      if (issued[at] == 0) issued[at] = issue_early(block_calls[at], early);
    }
    const Block& block = program_.block(block_calls[i].block);
    for (std::size_t o = issued[i]; o < block.ops.size(); ++o) {
      play_op(block.ops[o], block_calls[i].layer.value(), times_[block_calls[i].block.at()][o].time.value());
    }
    settle();
  }
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

/// Runs the leading gathers of a visit that is `blocks_early` ahead, if they may be issued now; returns how
/// many ran.
std::size_t LanePlayer::issue_early(const BlockCall& block_call, int blocks_early) {
  const Block& block = program_.block(block_call.block);
  std::size_t count = 0;
  while (count < block.ops.size() && block.ops[count].prefetch_blocks > 0 &&
         block.ops[count].prefetch_blocks >= blocks_early) {
    play_op(block.ops[count], block_call.layer.value(), times_[block_call.block.at()][count].time.value());
    ++count;
  }
  return count;
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
