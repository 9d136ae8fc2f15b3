#include "planner/cost/lane_player.hpp"

#include <algorithm>

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

Seconds LanePlayer::all_end() const {
  return Seconds(*std::max_element(lane_free_.begin(), lane_free_.end()));
}

void LanePlayer::play(std::span<const Visit> visits) {
  constexpr int kMostEarly = 8;
  std::vector<std::size_t> issued(visits.size(), 0);  // leading operations of each visit that ran already
  for (std::size_t i = 0; i < visits.size(); ++i) {
    for (int early = 0; early <= kMostEarly && i + static_cast<std::size_t>(early) < visits.size(); ++early) {
      const std::size_t at = i + static_cast<std::size_t>(early);
      if (issued[at] == 0) issued[at] = issue_early(visits[at], early);
    }
    const Block& block = program_.block(visits[i].block);
    for (std::size_t o = issued[i]; o < block.ops.size(); ++o) {
      play_op(block.ops[o], visits[i].layer.value(), times_[visits[i].block.at()][o].time.value());
    }
  }
}

/// Runs the leading gathers of a visit that is `blocks_early` ahead, if they may be issued now; returns how
/// many ran.
std::size_t LanePlayer::issue_early(const Visit& visit, int blocks_early) {
  const Block& block = program_.block(visit.block);
  std::size_t count = 0;
  while (count < block.ops.size() && block.ops[count].prefetch_blocks > 0 &&
         block.ops[count].prefetch_blocks >= blocks_early) {
    play_op(block.ops[count], visit.layer.value(), times_[visit.block.at()][count].time.value());
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
    if (stamp.layer == instance && stamp.time > latest.time) latest = stamp;
  }
  return latest;
}

void LanePlayer::stamp(const Op& op, std::int32_t layer, double time, std::int8_t axis) {
  for (const Operand& operand : op.operands) {
    if (operand.access == Access::read) continue;
    const std::int32_t instance = program_.tensor(operand.tensor).per_layer ? layer + operand.layer_shift : 0;
    written_[operand.tensor.at()][static_cast<std::size_t>(instance) % kLayersKept] = {instance, axis, time};
  }
}

void LanePlayer::play_op(const Op& op, std::int32_t layer, double duration) {
  const Stamp inputs = ready(op, layer);
  double& compute_free = lane_free_[index(Lane::compute)];
  if (!is_communication(op)) {
    const Stamp& wait = hold_.time > inputs.time ? hold_ : inputs;
    if (wait.time > compute_free && wait.axis != kCompute) {
      waited_[static_cast<std::size_t>(wait.axis)] += wait.time - compute_free;
    }
    const double start = std::max(compute_free, wait.time);
    compute_free = start + duration;
    busy_ += duration;
    stamp(op, layer, compute_free, kCompute);
    return;
  }
  if (std::holds_alternative<Recv>(op.kind)) duration = 0.0;  // the sender's side counts the transfer
  double& lane_free = lane_free_[index(op.lane)];
  double start = std::max(lane_free, inputs.time);
  if (op.after_compute) start = std::max(start, compute_free);
  lane_free = start + duration;
  const auto axis = static_cast<std::int8_t>(axis_of(group_of(op)));
  stamp(op, layer, lane_free, axis);
  if (op.holds_compute && lane_free > hold_.time) hold_ = {layer, axis, lane_free};
}

}  // namespace foreshard
