#include "sim/play/step_simulation.hpp"

#include <algorithm>
#include <cmath>

#include "planner/cost/memory_ledger.hpp"
#include "sim/trace/deadlock_report.hpp"

namespace foreshard {

namespace {

constexpr std::size_t direction(RankLane receive_lane) { return receive_lane - kReceiveForward; }

Speed speed_beside_communication(double share) {
  return {Speed::kFull - std::llround(share * static_cast<double>(Speed::kFull))};
}

}  // namespace

StepSimulation::StepSimulation(const StepProgram& program, const ProgramPlan& plan, TimelineSink& timeline,
                               const SimulationOptions& options)
    : program_(program),
      plan_(plan),
      timeline_(timeline),
      engine_(program.stages.size() * kRankLanes),
      shared_speed_(speed_beside_communication(options.communication_share)),
      communications_(program.stages.size()),
      first_piece_start_(engine_.lanes()),
      in_flight_(program.stages.size()),
      received_(program.stages.size()) {
  const std::size_t stages = program.stages.size();
  result_.stages.resize(stages);
  for (std::size_t stage = 0; stage < stages; ++stage) {
    players_.emplace_back(program, plan,
                          RankPlayer::Place{.rank = stage,
                                            .ranks = stages,
                                            .visits_ahead = static_cast<std::size_t>(options.visits_ahead),
                                            .host_submit = to_sim_time(options.host_submit)});
    clocks_.emplace_back(stage);
    visit_starts_.emplace_back(players_.back().runs().size());
  }
  join_stages(static_cast<RankLane>(Lane::world));
  join_stages(static_cast<RankLane>(Lane::tied));
  if (options.critical_path) path_.emplace(engine_.lanes(), count_tasks());
}

SimulationResult StepSimulation::run() {
  for (RankPlayer& player : players_) player.issue(engine_);
  engine_.run(*this);
  for (std::size_t lane = 0; lane < engine_.lanes(); ++lane) {
    if (engine_.head(LaneId(lane))) throw Deadlock(deadlock_report(program_, plan_, players_, engine_));
  }
  result_.step_time = engine_.now();
  result_.tasks = engine_.tasks_ended();
  for (std::size_t stage = 0; stage < players_.size(); ++stage) {
    clocks_[stage].settle(engine_, result_.stages[stage]);
  }
  if (path_) result_.path = path_->report(program_, plan_, engine_.cause());
  report_memory();
  return std::move(result_);
}

/// Stages that call collectives over several stages on this lane meet there.
void StepSimulation::join_stages(RankLane lane) {
  std::vector<LaneId> members;
  for (std::size_t stage = 0; stage < players_.size(); ++stage) {
    const auto& runs = players_[stage].runs();
    const bool calls = std::any_of(runs.begin(), runs.end(), [&](const Run& run) {
      const std::size_t block = run.visit.block.at();
      const auto first = plan_.ops.begin() + plan_.first_op[block];
      const auto last = plan_.ops.begin() + plan_.first_op[block + 1];
      return std::any_of(first, last, [&](const OpPlan& op) { return op.lane == lane; });
    });
    if (calls) members.push_back(engine_lane(stage, lane));
  }
  if (members.size() > 1) engine_.join(members);
}

std::vector<std::size_t> StepSimulation::count_tasks() const {
  std::vector<std::size_t> tasks(engine_.lanes());  // without the hosts', which may have none
  for (std::size_t stage = 0; stage < players_.size(); ++stage) {
    const std::vector<std::int64_t> visits = count_visits(program_, StageId(stage));
    for (const OpPlan& op : plan_.ops) {
      tasks[engine_lane(stage, op.lane).at()] += static_cast<std::size_t>(visits[op.block.at()] * op.pieces);
    }
  }
  return tasks;
}

void StepSimulation::on_start(LaneId lane, const Task& task) {
  const std::size_t stage = rank_of(lane);
  const RankLane at = rank_lane(lane);
  settle_around(stage, at);
  if (path_) path_->note_start(engine_, lane);
  if (at == kHostLane) return;  // no operation of the program
  if (task.duration > SimTime()) change_load(stage, at, 1);
  const TaskLabel label = TaskLabel::unpacked(task.label);
  if (!label.is_first) return;
  first_piece_start_[lane.at()] = engine_.now();
  if (plan_.ops[label.op].marks_visit) visit_starts_[stage][task.sublabel] = engine_.now();
  if (is_send_lane(at)) {
    const std::size_t peer = peer_stage(stage, at, players_.size());
    in_flight_[peer][direction(peer_lane(at))].push(engine_.now());
  }
}

void StepSimulation::on_end(LaneId lane, const Task& task, SimTime start) {
  const std::size_t stage = rank_of(lane);
  const RankLane at = rank_lane(lane);
  settle_around(stage, at);
  const TaskLabel label = TaskLabel::unpacked(task.label);
  const OpPlan& op = plan_.ops[label.op];
  if (path_) path_->note_end(lane, label.op, engine_.now());
  if (at == kHostLane) return;
  if (task.duration > SimTime()) change_load(stage, at, -1);
  book(stage, at, op, engine_.now() - start);
  if (label.is_last) emit(stage, at, op, task.sublabel, first_piece_start_[lane.at()]);
}

void StepSimulation::after_end(LaneId lane) {
  if (rank_lane(lane) == kComputeLane) players_[rank_of(lane)].issue(engine_);
}

/// Before a lane changes: the clocks of the stages that may be waiting for it.
void StepSimulation::settle_around(std::size_t stage, RankLane lane) {
  clocks_[stage].settle(engine_, result_.stages[stage]);
  if (!is_send_lane(lane)) return;
  const std::size_t peer = peer_stage(stage, lane, players_.size());
  clocks_[peer].settle(engine_, result_.stages[peer]);
}

/// A communication begins or ends: it takes its share of the kernels' multiprocessors, on both ends of a
/// transfer.
void StepSimulation::change_load(std::size_t stage, RankLane lane, int change) {
  if (lane == kComputeLane || shared_speed_ == Speed{}) return;
  set_load(stage, change);
  if (is_send_lane(lane)) set_load(peer_stage(stage, lane, players_.size()), change);
}

void StepSimulation::set_load(std::size_t stage, int change) {
  communications_[stage] += change;
  engine_.set_speed(engine_lane(stage, kComputeLane), communications_[stage] > 0 ? shared_speed_ : Speed{});
}

void StepSimulation::book(std::size_t stage, RankLane lane, const OpPlan& op, SimTime time) {
  StageResult& result = result_.stages[stage];
  result.end = engine_.now();
  if (is_receive_lane(lane)) return;
  result.busy[static_cast<std::size_t>(program_lane(lane))] += time;
  if (lane != kComputeLane) return;
  result.compute_by_component[static_cast<std::size_t>(op.component)] += time;
  const bool is_optimizer = op.component == Component::optimizer || op.component == Component::gradient_sync;
  (is_optimizer ? result.optimizer : result.compute) += time;
}

void StepSimulation::emit(std::size_t stage, RankLane lane, const OpPlan& op, std::uint32_t run_index,
                          SimTime start) {
  const Run& run = players_[stage].runs()[run_index];
  if (is_receive_lane(lane)) start = arrival_start(stage, lane);
  timeline_.add(Span{.stage = StageId(stage),
                     .lane = program_lane(lane),
                     .block = op.block,
                     .op = op.op,
                     .layer = run.visit.layer,
                     .chunk = run.chunk,
                     .micro_batch = run.micro_batch,
                     .start = start.picoseconds(),
                     .end = engine_.now().picoseconds()});
}

/// A Recv shows from when the data is under way.
SimTime StepSimulation::arrival_start(std::size_t stage, RankLane lane) {
  Ring<SimTime>& under_way = in_flight_[stage][direction(lane)];
  SimTime& last_end = received_[stage][direction(lane)];
  const SimTime start = std::max(under_way.front(), last_end);
  under_way.pop();
  last_end = engine_.now();
  return start;
}

/// The ledger's sequence of visits, each at the time when it started. A transfer may start after the visits
/// behind it; its buffers are alive by then, so time only moves on.
void StepSimulation::report_memory() {
  for (std::size_t stage = 0; stage < players_.size(); ++stage) {
    const std::vector<Bytes> bytes = memory_of_visits(program_, StageId(stage));
    StageResult& result = result_.stages[stage];
    result.memory.reserve(bytes.size());
    SimTime time;
    for (std::size_t run = 0; run < bytes.size(); ++run) {
      time = std::max(time, visit_starts_[stage][run]);
      result.memory.push_back({StageId(stage), time.picoseconds(), bytes[run]});
      result.peak = std::max(result.peak, bytes[run]);
      timeline_.add(result.memory.back());
    }
  }
}

}  // namespace foreshard
