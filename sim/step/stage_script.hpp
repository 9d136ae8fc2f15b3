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
  /// step, but no time of their own for each. The first gives the label. Whether another lane can tell is
  /// known once all is written; so a stage of more than kMostMerged tasks is not merged, but written ahead.
  bool merge_kernels = false;
  static constexpr std::uint64_t kMostMerged = std::uint64_t{1} << 22U;
};

/// Writes a stage's script from its first run to its last. A step has as many tasks as it has micro-batches,
/// layers and operations, but only those that the ranks are at are needed: the writer stays so far ahead of
/// them that what is not written yet cannot start, and forgets what all of them have done.
class ScriptWriter {
 public:
  /// Keeps a reference to the plan. @pre it is of this program
  ScriptWriter(const StepProgram& program, const ProgramPlan& plan, StageId stage,
               const ScriptOptions& options);
  ScriptWriter(ScriptWriter&&) noexcept;
  ~ScriptWriter();

  /// At first with no task in it.
  [[nodiscard]] const StageScript& script() const;
  /// Tasks of the whole step, by lane, whether they are written or not.
  [[nodiscard]] const std::array<std::uint64_t, kRankLanes>& tasks() const;

  /// True where write_ahead has something to write for a rank that has ended so many tasks of its compute
  /// lane.
  [[nodiscard]] bool is_due(std::uint32_t kernels_ended) const;
  /// Writes all that such a rank can start, and some more, so that it is due again only after a while.
  void write_ahead(std::uint32_t kernels_ended);
  /// Writes the rest.
  void write_all();
  /// Forgets a lane's tasks before this one.
  void drop_before(RankLane lane, std::uint32_t ordinal);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreshard
