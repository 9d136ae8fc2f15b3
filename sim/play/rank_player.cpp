#include "sim/play/rank_player.hpp"

#include <bit>

namespace foreshard {

namespace {

/// Part `piece` of `pieces` of a duration; the parts add up to the whole.
SimTime part_of(SimTime duration, std::int32_t piece, std::int32_t pieces) {
  const auto upto = [&](std::int32_t n) {
    return static_cast<std::int64_t>(static_cast<Int128>(duration.picoseconds()) * n / pieces);
  };
  return SimTime(upto(piece + 1) - upto(piece));
}

}  // namespace

RankPlayer::RankPlayer(const StepProgram& program, const ProgramPlan& plan, Place place)
    : plan_(plan),
      place_(place),
      runs_(runs_of(program, StageId(place.rank))),
      instances_(plan, runs_),
      compute_issued_(place.visits_ahead),
      gathers_issued_(static_cast<std::size_t>(plan.most_blocks_early) + 1) {}

void RankPlayer::issue(Engine& engine) {
  const LaneId compute = engine_lane(place_.rank, kComputeLane);
  while (next_run_ < runs_.size()) {
    // Compute of the run that lies `visits_ahead` back must be over.
    std::uint32_t& issued = compute_issued_[next_run_ % place_.visits_ahead];
    if (next_run_ >= place_.visits_ahead && engine.ended(compute) < issued) return;
    issue_run(engine, next_run_);
    issued = engine.added(compute);
    ++next_run_;
  }
}

void RankPlayer::issue_run(Engine& engine, std::size_t run) {
  const auto farthest = static_cast<std::size_t>(plan_.most_blocks_early);
  for (std::size_t ahead = 0; ahead <= farthest && run + ahead < runs_.size(); ++ahead) {
    issue_early(engine, run, run + ahead);
  }
  const std::size_t block = runs_[run].visit.block.at();
  std::uint32_t& gathers = gathers_issued_[run % gathers_issued_.size()];
  for (std::uint32_t op = plan_.first_op[block] + gathers; op < plan_.first_op[block + 1]; ++op)
    issue_op(engine, run, op);
  gathers = 0;
}

/// Issues the gathers at the beginning of this or a later run that may be issued at the start of run `now`.
void RankPlayer::issue_early(Engine& engine, std::size_t now, std::size_t later) {
  const std::size_t block = runs_[later].visit.block.at();
  std::uint32_t& issued = gathers_issued_[later % gathers_issued_.size()];
  for (; plan_.first_op[block] + issued < plan_.first_op[block + 1]; ++issued) {
    const OpPlan& op = plan_.ops[plan_.first_op[block] + issued];
    const auto most_early = static_cast<std::size_t>(op.blocks_early);
    if (most_early == 0 || most_early < later - now || is_in_use(now, later, op)) return;
    issue_op(engine, later, plan_.first_op[block] + issued);
  }
}

/// True if what `op` of a later run writes is still needed by a run that starts before it.
bool RankPlayer::is_in_use(std::size_t now, std::size_t later, const OpPlan& op) const {
  for (const SharedOperand& written : plan_.operands_of(op)) {
    if (written.access == Access::read) continue;
    const InstanceTable::Key target = instances_.key(written, runs_[later], later);
    for (std::size_t run = now; run < later; ++run) {
      for (const SharedOperand& other : plan_.operands_of_block(runs_[run].visit.block)) {
        if (other.tensor == written.tensor && instances_.key(other, runs_[run], run) == target) return true;
      }
    }
  }
  return false;
}

void RankPlayer::issue_op(Engine& engine, std::size_t run, std::uint32_t op) {
  const OpPlan& plan = plan_.ops[op];
  collect_needs(engine, run, plan);
  if (plan.submits > 0 && place_.host_submit > SimTime()) submit_kernels(engine, run, op);
  add_tasks(engine, run, op);
  if (plan.operands > 0) note_uses(engine, run, plan);
  if (plan.holds_compute) {
    holds_.need(plan.lane, engine.added(engine_lane(place_.rank, plan.lane)));
  }
}

/// A read waits for the last write; a write waits for that and for the reads since.
void RankPlayer::collect_needs(Engine& engine, std::size_t run, const OpPlan& op) {
  needs_ = {};
  needs_of_pieces_ = {};
  for (const SharedOperand& operand : plan_.operands_of(op)) {
    const LastUses& uses = instances_.find(operand, runs_[run], run);
    const bool piece_by_piece = op.pieces > 1 && uses.pieces == op.pieces;
    (piece_by_piece ? needs_of_pieces_ : needs_).need(uses.writer, uses.written);
    if (operand.access == Access::read) continue;
    for (std::uint32_t lanes = uses.reading; lanes != 0; lanes &= lanes - 1) {
      const auto lane = static_cast<RankLane>(std::countr_zero(lanes));
      needs_.need(lane, uses.read[lane]);
    }
  }
  if (op.after_compute) needs_.need(kComputeLane, engine.added(engine_lane(place_.rank, kComputeLane)));
  if (op.lane == kComputeLane) {
    for (RankLane lane = 0; lane < kRankLanes; ++lane) needs_.need(lane, holds_.count[lane]);
    holds_ = {};
  }
}

/// The host works through a visit's kernels; the last of them cannot start before it is submitted.
void RankPlayer::submit_kernels(Engine& engine, std::size_t run, std::uint32_t op) {
  const LaneId host = engine_lane(place_.rank, kHostLane);
  const Task task{.duration = SimTime(place_.host_submit.picoseconds() * plan_.ops[op].submits),
                  .label = TaskLabel{.op = op}.packed(),
                  .sublabel = static_cast<std::uint32_t>(run)};
  engine.add(host, task, {});
  needs_.need(kHostLane, engine.added(host));
}

void RankPlayer::add_tasks(Engine& engine, std::size_t run, std::uint32_t index) {
  const OpPlan& op = plan_.ops[index];
  for (std::int32_t piece = 0; piece < op.pieces; ++piece) {
    std::array<Wait, kRankLanes + 1> waits;
    std::size_t count = 0;
    for (RankLane lane = 0; lane < kRankLanes; ++lane) {
      std::uint32_t tasks = piece == 0 ? needs_.count[lane] : 0;
      if (const std::uint32_t last = needs_of_pieces_.count[lane]; last > 0) {
        const auto after = static_cast<std::uint32_t>(op.pieces - 1 - piece);
        tasks = std::max(tasks, last - after);
      }
      const LaneId other = engine_lane(place_.rank, lane);
      // Its own lane is first-in first-out; what has ended need not be waited for.
      if (tasks == 0 || lane == op.lane || engine.ended(other) >= tasks) continue;
      waits[count++] = {other, tasks};
    }
    if (is_receive_lane(op.lane)) {
      const std::size_t peer = peer_stage(place_.rank, op.lane, place_.ranks);
      waits[count++] = {engine_lane(peer, peer_lane(op.lane)), ++received_[op.lane - kReceiveForward]};
    }
    const TaskLabel label{.op = index, .is_first = piece == 0, .is_last = piece == op.pieces - 1};
    const Task task{.duration = part_of(op.duration, piece, op.pieces),
                    .label = label.packed(),
                    .sublabel = static_cast<std::uint32_t>(run)};
    engine.add(engine_lane(place_.rank, op.lane), task, std::span(waits).first(count));
  }
}

void RankPlayer::note_uses(Engine& engine, std::size_t run, const OpPlan& op) {
  const std::uint32_t task = engine.added(engine_lane(place_.rank, op.lane));
  for (const SharedOperand& operand : plan_.operands_of(op)) {
    LastUses& uses = instances_.find(operand, runs_[run], run);
    if (operand.access == Access::read) {
      uses.reading |= 1U << op.lane;
      uses.read[op.lane] = task;
    } else {
      uses.reading = 0;
      uses.written = task;
      uses.writer = op.lane;
      uses.pieces = op.pieces;
    }
  }
}

}  // namespace foreshard
