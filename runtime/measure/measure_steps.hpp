#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "planner/fit/measured_time.hpp"
#include "planner/program/op_groups.hpp"
#include "planner/program/schedule/timeline.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/execute/executor.hpp"

namespace foreshard {

/// Times of a job's steps over all ranks.
struct StepMeasurement {
  MeasuredTime step;                 ///< the slowest rank's time
  std::vector<MeasuredTime> groups;  ///< by index of OpGroups::groups; see measure_steps
  MeasuredTime waiting;              ///< for transfers from other stages, mean over ranks
  /// Exposed collectives: the time, including waiting for other ranks, that overlaps no kernel; mean over
  /// ranks. Absent if no rank runs collectives asynchronously.
  std::optional<MeasuredTime> exposed;
  MeasuredTime overhead;  ///< time outside operations and waits, mean over ranks
};

/// How many steps are measured.
struct MeasurementPlan {
  int warm_up = 3;
  int steps = 20;
  std::function<void(int done, int of)> progress;  ///< called after each step on every rank; may be empty
};

/// Runs steps on all ranks together, each after a barrier, and takes medians over the steps. All ranks get
/// the same figures. The time of a group of operations is
///   kernels      the mean over ranks
///   collectives  the fastest rank's time, because that rank came last and waited for nobody; the mean over
///                stages. For collectives across stages: the fastest of all ranks; what other ranks took
///                longer counts as waiting.
///   transfers    nothing: they run in the background, and waiting for them is waiting
///
/// Example: in a tp all-reduce, rank 0 arrives 3 ms late. Rank 1 measures 5 ms, rank 0 measures 2 ms: the
/// collective took 2 ms. Rank 0's kernels took 3 ms longer, which the kernels' mean over ranks shows.
StepMeasurement measure_steps(Executor& executor, const RankPlan& plan, Communicator& communicator,
                              const OpGroups& groups, const MeasurementPlan& how);

/// Reports the last step's timeline of one rank of every stage, the rank with the coordinates 0 in all other
/// dimensions. All ranks call it together, and each gets all timelines.
/// @param wide  a communicator over the same ranks that supports fp64, to gather times
void report_all_stages(const Executor& executor, const RankPlan& plan, Communicator& wide,
                       TimelineSink& sink);

}  // namespace foreshard
