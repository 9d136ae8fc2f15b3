#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/program/timeline.hpp"
#include "sim/engine/engine.hpp"
#include "sim/play/path_log.hpp"
#include "sim/play/program_plan.hpp"
#include "sim/play/rank_player.hpp"
#include "sim/play/simulate_step.hpp"
#include "sim/play/stage_clock.hpp"

namespace foreshard {

/// One simulation under way: players issue, the engine runs, and what it says is booked.
class StepSimulation : private EngineListener {
 public:
  StepSimulation(const StepProgram& program, const ProgramPlan& plan, TimelineSink& timeline,
                 const SimulationOptions& options);
  /// Once. @throws Deadlock
  SimulationResult run();

 private:
  void on_start(LaneId lane, const Task& task) override;
  void on_end(LaneId lane, const Task& task, SimTime start) override;
  void after_end(LaneId lane) override;

  void join_stages(RankLane lane);
  [[nodiscard]] std::vector<std::size_t> count_tasks() const;
  void settle_around(std::size_t stage, RankLane lane);
  void change_load(std::size_t stage, RankLane lane, int change);
  void set_load(std::size_t stage, int change);
  void book(std::size_t stage, RankLane lane, const OpPlan& op, SimTime time);
  void emit(std::size_t stage, RankLane lane, const OpPlan& op, std::uint32_t run, SimTime start);
  [[nodiscard]] SimTime arrival_start(std::size_t stage, RankLane lane);
  void report_memory();

  const StepProgram& program_;
  const ProgramPlan& plan_;
  TimelineSink& timeline_;
  Engine engine_;
  std::vector<RankPlayer> players_;
  std::vector<StageClock> clocks_;
  std::optional<PathLog> path_;
  SimulationResult result_;
  Speed shared_speed_;                      // of compute beside communication
  std::vector<int> communications_;         // running, by stage
  std::vector<SimTime> first_piece_start_;  // of the operation that runs, by engine lane
  std::vector<std::array<Ring<SimTime>, 2>>
      in_flight_;                                   // starts of transfers, by receiving stage and direction
  std::vector<std::array<SimTime, 2>> received_;    // when the last one arrived
  std::vector<std::vector<SimTime>> visit_starts_;  // [stage][run]
};

}  // namespace foreshard
