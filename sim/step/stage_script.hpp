#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "planner/program/step_program.hpp"
#include "sim/engine/engine.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/rank_lanes.hpp"

namespace foreshard {

/// All that a rank of one stage does in a step, lane by lane: the same for every rank of the stage, whatever
/// the times, so it is worked out once. A task's label is a TaskLabel, packed; its sublabel the run.
///
/// Waits name lanes of the rank; behind those, kPreviousSends for the lane on which the previous stage's rank
/// sends forward, kNextSends for that on which the next stage's sends back.
struct StageScript {
  std::vector<Run> runs;
  std::array<LaneScript, kRankLanes> lanes;
};
inline constexpr std::size_t kPreviousSends = kRankLanes;
inline constexpr std::size_t kNextSends = kRankLanes + 1;

struct ScriptOptions {
  /// What it takes the host to submit one kernel; with none there are no tasks for the host.
  SimTime host_submit;
  /// Tasks of a visit wait until the kernels of the visit so many before it have ended: the host's queue is
  /// full. At least 1.
  std::size_t blocks_ahead = 1;
  /// Kernels in a row become one task where no other lane can tell the difference: fewer tasks, the same
  /// step, but no time of their own for each. The first gives the label.
  bool merge_kernels = false;
};

/// @pre the plan is of this program
StageScript write_script(const StepProgram& program, const ProgramPlan& plan, StageId stage,
                         const ScriptOptions& options);

}  // namespace foreshard
