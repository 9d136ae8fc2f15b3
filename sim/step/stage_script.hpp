#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "planner/program/step_program.hpp"
#include "sim/engine/engine.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/step/program_plan.hpp"
#include "sim/step/rank_lanes.hpp"

namespace foreshard {

/// The tasks of a rank of one stage in a step, lane by lane. They are the same for every rank of the stage
/// and do not depend on when tasks run, so they are computed once. A task's label is a packed TaskLabel, its
/// sublabel the index of its run.
///
/// Waits name lanes of the same rank; or kSendsOfPeers + i, the lane on which a neighbour sends what comes on the lane
/// kTransferLanes[i].
struct StageScript {
  std::vector<Run> runs;
  std::array<LaneScript, kRankLanes> lanes;
};
inline constexpr std::size_t kSendsOfPeers = kRankLanes;

struct ScriptOptions {
  /// Time from the end of what the host waits for until the host goes on.
  SimTime read_back;
  /// Length of the host's launch queue: tasks of a block call wait until the kernels of the call
  /// `blocks_ahead` calls earlier have ended. At least 1.
  std::size_t blocks_ahead = 1;
  /// Merge consecutive kernels into one task where that changes nothing on other lanes: fewer tasks and the
  /// same step, but no separate time for each kernel. The merged task has the label of its first kernel.
  /// Merging needs the complete script, so the script of a stage with more than kMostMerged tasks is written
  /// piece by piece instead, not merged.
  bool merge_kernels = false;
  static constexpr std::uint64_t kMostMerged = std::uint64_t{1} << 22U;
};

/// Writes a stage's script piece by piece, from its first run to its last. The number of tasks in a step is
/// micro-batches × layers × operations, but only those near the ranks' current position are needed. The
/// writer stays far enough ahead that tasks not written yet could not start anyway, and drops the tasks that
/// all ranks have ended.
class ScriptWriter {
 public:
  /// Keeps a reference to the plan. @pre the plan was made from this program
  ScriptWriter(const StepProgram& program, const ProgramPlan& plan, StageId stage,
               const ScriptOptions& options);
  ScriptWriter(ScriptWriter&&) noexcept;
  ~ScriptWriter();

  /// The script so far; empty at first.
  [[nodiscard]] const StageScript& script() const;
  /// By lane, the number of tasks in the whole step, whether they are written or not.
  [[nodiscard]] const std::array<std::uint64_t, kRankLanes>& tasks() const;

  /// True if write_ahead has something to write for a rank that has ended this many tasks of its compute
  /// lane.
  [[nodiscard]] bool is_due(std::uint32_t kernels_ended) const;
  /// Writes all tasks that such a rank can start, and some more, so that it need not be called for every
  /// task.
  void write_ahead(std::uint32_t kernels_ended);
  /// Writes the rest.
  void write_all();
  /// Drops a lane's tasks before this one.
  void drop_before(RankLane lane, std::uint32_t ordinal);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreshard
