#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "sim/engine/engine.hpp"
#include "sim/step/communication_clock.hpp"
#include "sim/step/path_log.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/rank_clock.hpp"
#include "sim/step/rank_layout.hpp"
#include "sim/step/simulate_step.hpp"
#include "sim/step/stage_script.hpp"

namespace foreshard {

/// One running simulation: ranks follow their stages' scripts on an engine, and the time of each task is
/// booked.
class StepSimulation : private EngineListener {
 public:
  /// Keeps references to all arguments except the options. Without a clock, communications take the plan's
  /// durations.
  StepSimulation(const StepProgram& program, const ProgramPlan& plan, const RankLayout& layout,
                 TimelineSink& timeline, const SimulationOptions& options,
                 CommunicationClock* clock = nullptr);
  /// Runs the whole step. @pre called once @throws Deadlock
  SimulationResult run();

  /// run() in single events, for a simulation that interleaves several of these; see Engine.
  void start() { engine_.start(*this); }
  [[nodiscard]] std::optional<SimTime> next_time() const { return engine_.next_time(); }
  void advance() { engine_.advance(*this); }
  [[nodiscard]] SimTime now() const { return engine_.now(); }
  void finish(LaneId lane, SimTime now) { engine_.finish(lane, now, *this); }
  /// True if every task has ended.
  [[nodiscard]] bool is_done() const { return engine_.tasks_ended() == tasks_; }
  /// The result. @pre no task is running or can start @throws Deadlock if tasks are left
  SimulationResult result();

 private:
  struct Lead {
    SimTime bubble;
    SimTime transfer;
  };

  SimTime on_start(LaneId lane, const Task& task) override;
  void on_end(LaneId lane, const Task& task, SimTime start) override;

  void place_ranks();
  [[nodiscard]] const StageScript& script_of(std::size_t rank) const {
    return scripts_[layout_.places[rank].stage.at()].script();
  }
  void write_ahead(std::size_t rank);
  void note_start(LaneId lane, const Task& task);
  void settle_around(std::size_t rank, RankLane lane);
  void change_load(std::size_t rank, RankLane lane, int change);
  void set_load(std::size_t rank, std::size_t kind, int change);
  void book(std::size_t rank, RankLane lane, const OpPlan& op, SimTime time);
  void emit(std::size_t rank, RankLane lane, const OpPlan& op, std::uint32_t run, SimTime start);
  [[nodiscard]] SimTime arrival_start(std::size_t rank, RankLane lane);
  void note_lead(std::size_t rank, std::uint32_t run);
  void overlap_steps();
  void report_memory();
  void add_memory(std::size_t rank, const std::vector<Bytes>& bytes);

  const StepProgram& program_;
  const ProgramPlan& plan_;
  const RankLayout& layout_;
  TimelineSink& timeline_;
  Engine engine_;
  std::vector<ScriptWriter> scripts_;              // by stage
  std::vector<std::vector<std::size_t>> members_;  // by stage: the ranks that follow its script
  Disturbance disturbance_;
  std::vector<RankClock> clocks_;
  std::optional<PathLog> path_;
  CommunicationClock* clock_;
  std::uint64_t tasks_ = 0;  // number of tasks of all ranks
  SimulationResult result_;
  /// By rank, where steps overlap: what it waited for other stages before its first kernel in the slots.
  std::vector<std::optional<Lead>> leads_;
  bool has_timeline_;
  std::function<void(std::uint64_t, std::uint64_t)> progress_;
  std::array<double, 2>
      shares_;  // of their speed that kernels lose to communications, and to exchanges of tokens
  std::vector<std::array<int, 2>> communications_;  // by rank: how many of either run
  std::vector<SimTime> first_piece_start_;          // by engine lane: start of the running operation
  std::vector<std::array<Ring<SimTime>, kTransferLanes.size()>>
      in_flight_;  // starts of transfers, by receiving rank and lane
  std::vector<std::array<SimTime, kTransferLanes.size()>> received_;  // when the last one arrived
  std::vector<std::vector<SimTime>> block_call_starts_;  // [rank][run], for memory on the timeline
};

}  // namespace foreshard
