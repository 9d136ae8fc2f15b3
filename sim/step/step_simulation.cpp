#include "sim/step/step_simulation.hpp"

#include <algorithm>
#include <cmath>

#include "planner/cost/memory/memory_ledger.hpp"
#include "sim/step/deadlock_report.hpp"
#include "sim/step/task_label.hpp"

namespace foreshard {

namespace {

/// Number of tasks between two progress reports; about a millisecond of work.
constexpr std::uint64_t kTasksBetweenWords = 8192;

Speed slowed(Speed speed, double share_left) {
  return {std::max<std::int64_t>(std::llround(share_left * static_cast<double>(speed.parts_per_million)), 1)};
}

}  // namespace

StepSimulation::StepSimulation(const StepProgram& program, const ProgramPlan& plan, const RankLayout& layout,
                               TimelineSink& timeline, const SimulationOptions& options,
                               CommunicationClock* clock)
    : program_(program),
      plan_(plan),
      layout_(layout),
      timeline_(timeline),
      engine_(layout.places.size(), kRankLanes),
      disturbance_(options.disturbance),
      clock_(clock),
      has_timeline_(!options.totals_only && timeline.wants_anything()),
      progress_(options.progress),
      shares_{options.communication_share, options.exchange_share.value_or(options.communication_share)},
      communications_(layout.places.size()),
      first_piece_start_(engine_.lanes()),
      in_flight_(layout.places.size()),
      received_(layout.places.size()) {
  const ScriptOptions script{.read_back = to_sim_time(options.read_back),
                             .blocks_ahead = static_cast<std::size_t>(options.blocks_ahead),
                             .merge_kernels = options.totals_only};
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage)
    scripts_.emplace_back(program, plan, StageId(stage), script).write_ahead(0);
  place_ranks();
  if (options.critical_path && !options.totals_only) path_.emplace(engine_.lanes());
}

void StepSimulation::place_ranks() {
  result_.ranks.resize(layout_.places.size());
  leads_.resize(layout_.places.size());
  members_.resize(scripts_.size());
  for (std::size_t rank = 0; rank < layout_.places.size(); ++rank) {
    const RankLayout::Place& place = layout_.places[rank];
    const StageScript& script = script_of(rank);
    result_.ranks[rank].stage = place.stage;
    members_[place.stage.at()].push_back(rank);
    clocks_.emplace_back(rank);
    if (layout_.is_folded && has_timeline_) block_call_starts_.emplace_back(script.runs.size());
    for (RankLane lane = 0; lane < kRankLanes; ++lane) {
      const std::uint64_t tasks = scripts_[place.stage.at()].tasks()[lane];
      if (tasks == 0) continue;
      engine_.set_script(engine_lane(rank, lane), script.lanes[lane]);
      tasks_ += tasks;
    }
    for (const auto& [lane, to] : kTransferLanes)
      engine_.connect(rank, engine_lane(to == Peer::next_stage ? place.previous : place.next,
                                        static_cast<RankLane>(lane)));
    engine_.set_speed(engine_lane(rank, kComputeLane), disturbance_.speed(place.rank));
  }
  for (const std::vector<LaneId>& lanes : layout_.meetings) engine_.join(lanes);
}

SimulationResult StepSimulation::run() {
  engine_.run(*this);
  return result();
}

SimulationResult StepSimulation::result() {
  for (std::size_t lane = 0; lane < engine_.lanes(); ++lane) {
    if (engine_.head(LaneId(lane)) == nullptr) continue;
    for (ScriptWriter& script : scripts_) script.write_all();  // so the report knows which tasks exist at all
    throw Deadlock(deadlock_report(program_, plan_, scripts_, layout_, engine_));
  }
  result_.step_time = engine_.now();
  result_.tasks = engine_.tasks_ended();
  for (std::size_t rank = 0; rank < clocks_.size(); ++rank)
    clocks_[rank].settle(engine_, result_.ranks[rank]);
  if (program_.steps_overlap) overlap_steps();
  if (path_) result_.path = path_->report(program_, plan_);
  report_memory();
  return std::move(result_);
}

/// Extends the script of a rank's stage if the rank needs it, and drops the tasks that all ranks of the stage
/// have ended. Lanes that had reached the script's end are resumed.
void StepSimulation::write_ahead(std::size_t rank) {
  const std::uint32_t kernels_ended = engine_.ended(engine_lane(rank, kComputeLane)) + 1;
  const std::size_t stage = layout_.places[rank].stage.at();
  ScriptWriter& writer = scripts_[stage];
  if (!writer.is_due(kernels_ended)) return;
  std::vector<LaneId> at_end;
  for (RankLane lane = 0; lane < kRankLanes; ++lane) {
    std::uint32_t ended = UINT32_MAX;
    for (const std::size_t member : members_[stage]) {
      const LaneId id = engine_lane(member, lane);
      ended = std::min(ended, engine_.ended(id));
      if (engine_.is_at_end(id)) at_end.push_back(id);
    }
    writer.drop_before(lane, ended);
  }
  writer.write_ahead(kernels_ended);
  for (const LaneId lane : at_end) {
    if (engine_.head(lane) != nullptr) engine_.resume(lane);
  }
}

SimTime StepSimulation::on_start(LaneId lane, const Task& task) {
  const std::size_t rank = rank_of(lane);
  const RankLane at = rank_lane(lane);
  settle_around(rank, at);
  if (path_) path_->note_start(lane);
  if (at == kHostLane) return task.duration;  // not an operation of the program
  if (at == kComputeLane && program_.steps_overlap) note_lead(rank, task.sublabel);
  if (task.duration > SimTime()) change_load(rank, at, 1);
  if (has_timeline_) note_start(lane, task);
  if (at == kComputeLane)
    return disturbance_.jittered(task.duration, layout_.places[rank].rank, task.sublabel);
  return clock_ == nullptr || is_receive_lane(at) ? task.duration : clock_->on_communication(lane, task);
}

void StepSimulation::on_end(LaneId lane, const Task& task, SimTime start) {
  if (progress_ && engine_.tasks_ended() % kTasksBetweenWords == 0) progress_(engine_.tasks_ended(), tasks_);
  const std::size_t rank = rank_of(lane);
  const RankLane at = rank_lane(lane);
  settle_around(rank, at);
  const TaskLabel label = TaskLabel::unpacked(task.label);
  const OpPlan& op = plan_.ops[label.op];
  if (path_) path_->note_end(lane, label.op, engine_.now());
  if (at == kHostLane) return;
  if (task.duration > SimTime()) change_load(rank, at, -1);
  book(rank, at, op, engine_.now() - start);
  if (label.is_last && has_timeline_) emit(rank, at, op, task.sublabel, first_piece_start_[lane.at()]);
  if (at == kComputeLane) write_ahead(rank);
}

/// Records what the timeline needs to know about the start of a task.
void StepSimulation::note_start(LaneId lane, const Task& task) {
  const TaskLabel label = TaskLabel::unpacked(task.label);
  if (!label.is_first) return;
  const std::size_t rank = rank_of(lane);
  const RankLane at = rank_lane(lane);
  first_piece_start_[lane.at()] = engine_.now();
  if (layout_.is_folded && plan_.ops[label.op].marks_block_call)
    block_call_starts_[rank][task.sublabel] = engine_.now();
  if (is_send_lane(at)) in_flight_[layout_.peer(rank, at)][transfer_of(at).value()].push(engine_.now());
}

void StepSimulation::note_lead(std::size_t rank, std::uint32_t run) {
  if (leads_[rank] || !script_of(rank).runs[run].in_slot) return;
  const RankResult& result = result_.ranks[rank];
  leads_[rank] = Lead{result.bubble, result.exposed[static_cast<std::size_t>(CommAxis::pp)]};
}

/// Lets each rank's step end when the rank is through and begin without the wait for its first activations: the rank
/// spends both with the steps before and after. The slowest rank decides how long a step takes; the others wait for it.
void StepSimulation::overlap_steps() {
  result_.step_time = SimTime();
  for (std::size_t rank = 0; rank < leads_.size(); ++rank) {
    const Lead lead = leads_[rank].value_or(Lead{});
    result_.step_time = std::max(result_.step_time, result_.ranks[rank].end - lead.bubble - lead.transfer);
  }
  for (std::size_t rank = 0; rank < leads_.size(); ++rank) {
    const Lead lead = leads_[rank].value_or(Lead{});
    RankResult& result = result_.ranks[rank];
    const SimTime own = engine_.now() - lead.bubble - lead.transfer;  // of all that was booked
    result.exposed[static_cast<std::size_t>(CommAxis::pp)] -= lead.transfer;
    result.bubble = result.bubble + result_.step_time - own - lead.bubble;
  }
}

/// Called before a lane changes: settles the clocks of the ranks that may be waiting for it.
void StepSimulation::settle_around(std::size_t rank, RankLane lane) {
  clocks_[rank].settle(engine_, result_.ranks[rank]);
  if (!is_send_lane(lane)) return;
  const std::size_t peer = layout_.peer(rank, lane);
  clocks_[peer].settle(engine_, result_.ranks[peer]);
}

/// Called when a communication begins or ends. While it runs, it takes a share of the kernels'
/// multiprocessors, of several the largest; a transfer does so at both ends. Copy engines and the CPU take nothing from kernels.
void StepSimulation::change_load(std::size_t rank, RankLane lane, int change) {
  const auto axis = axis_of(lane);
  const std::size_t kind = program_lane(lane) == Lane::ep ? 1 : 0;
  if (!axis || axis == CommAxis::offload || shares_[kind] == 0.0) return;
  set_load(rank, kind, change);
  if (is_send_lane(lane)) set_load(layout_.peer(rank, lane), kind, change);
}

void StepSimulation::set_load(std::size_t rank, std::size_t kind, int change) {
  std::array<int, 2>& running = communications_[rank];
  running[kind] += change;
  double share = 0.0;
  for (const std::size_t other : {0U, 1U}) share = std::max(share, running[other] > 0 ? shares_[other] : 0.0);
  const Speed alone = disturbance_.speed(layout_.places[rank].rank);
  engine_.set_speed(engine_lane(rank, kComputeLane), share > 0.0 ? slowed(alone, 1.0 - share) : alone);
}

void StepSimulation::book(std::size_t rank, RankLane lane, const OpPlan& op, SimTime time) {
  RankResult& result = result_.ranks[rank];
  result.end = engine_.now();
  if (is_receive_lane(lane)) return;
  result.busy[static_cast<std::size_t>(program_lane(lane))] += time;
  if (lane != kComputeLane) return;
  result.compute_by_component[static_cast<std::size_t>(op.component)] += time;
  (is_of_optimizer(op) ? result.optimizer : result.compute) += time;
}

void StepSimulation::emit(std::size_t rank, RankLane lane, const OpPlan& op, std::uint32_t run_index,
                          SimTime start) {
  if (is_receive_lane(lane)) start = arrival_start(rank, lane);
  const Run& run = script_of(rank).runs[run_index];
  const RankLayout::Place& place = layout_.places[rank];
  timeline_.add(Span{.stage = place.stage,
                     .lane = program_lane(lane),
                     .block = op.block,
                     .op = op.op,
                     .layer = run.block_call.layer,
                     .chunk = run.chunk,
                     .micro_batch = run.micro_batch,
                     .start = start.picoseconds(),
                     .end = engine_.now().picoseconds(),
                     .rank = layout_.is_folded ? kEveryRank : place.rank});
}

/// The start of a Recv on the timeline: when its data began to be transferred.
SimTime StepSimulation::arrival_start(std::size_t rank, RankLane lane) {
  Ring<SimTime>& under_way = in_flight_[rank][transfer_of(lane).value()];
  SimTime& last_end = received_[rank][transfer_of(lane).value()];
  const SimTime start = std::max(under_way.front(), last_end);
  under_way.pop();
  last_end = engine_.now();
  return start;
}

/// Reports the memory ledger's sequence of block calls, each at the time when it started. A transfer may
/// start after the block calls that follow it; its buffers are already alive, so samples never go back in
/// time.
void StepSimulation::report_memory() {
  for (std::size_t stage = 0; stage < members_.size(); ++stage) {
    const std::vector<Bytes> bytes = memory_of_block_calls(program_, StageId(stage));
    for (const std::size_t rank : members_[stage]) {
      if (!bytes.empty()) result_.ranks[rank].peak = *std::max_element(bytes.begin(), bytes.end());
      if (layout_.is_folded && has_timeline_) add_memory(rank, bytes);
    }
  }
}

void StepSimulation::add_memory(std::size_t rank, const std::vector<Bytes>& bytes) {
  const StageScript& script = script_of(rank);
  SimTime time;
  for (std::size_t run = 0; run < bytes.size(); ++run) {
    time = std::max(time, block_call_starts_[rank][run]);
    timeline_.add(MemorySample{.stage = layout_.places[rank].stage,
                               .time = time.picoseconds(),
                               .bytes = bytes[run],
                               .micro_batch = script.runs[run].micro_batch});
  }
}

}  // namespace foreshard
