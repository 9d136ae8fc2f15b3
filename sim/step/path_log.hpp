#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/program/step_program.hpp"
#include "sim/engine/engine.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// Remembers of every task when it ended and what started it, so that the critical path can be walked back.
class PathLog {
 public:
  PathLog(std::size_t lanes, const std::vector<std::size_t>& tasks_by_lane);

  void note_start(const Engine& engine, LaneId lane) { causes_[lane.at()] = engine.cause(); }
  void note_end(LaneId lane, std::uint32_t op, SimTime end);

  /// Back from the task that ended last. @pre every task but none that is still running was noted
  [[nodiscard]] PathReport report(const StepProgram& program, const ProgramPlan& plan,
                                  const std::optional<TaskId>& last) const;

 private:
  struct Record {
    SimTime end;
    std::uint32_t op = 0;
    std::uint32_t cause_lane = 0;
    std::uint32_t cause_ordinal = 0;
    bool has_cause = false;
  };

  std::vector<std::optional<TaskId>> causes_;  // of the running tasks, by lane
  std::vector<std::vector<Record>> records_;   // [lane][ordinal]
};

}  // namespace foreshard
