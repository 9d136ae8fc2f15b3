#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "planner/program/ops/op_groups.hpp"
#include "planner/program/schedule/timeline.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/measure/measured_time.hpp"

namespace foreshard {

/// What a job's steps took over all ranks.
struct StepMeasurement {
  MeasuredTime step;                 ///< of the slowest rank
  std::vector<MeasuredTime> groups;  ///< by index of the groups; see below
  MeasuredTime waiting;              ///< for transfers from other stages, mean over ranks
  /// Collectives that no kernel hid, with what ranks wait in them, mean over ranks; none where no collective
  /// of any rank runs beside kernels.
  std::optional<MeasuredTime> exposed;
  MeasuredTime overhead;  ///< outside operations and waits, mean over ranks
};

/// How often, and who is told how far it is.
struct MeasurementPlan {
  int warm_up = 3;
  int steps = 20;
  std::function<void(int done, int of)> progress;  ///< on every rank; may be empty
};

/// Runs steps of all ranks together, each begun at a barrier, and takes medians. A group's time is what its
/// operations took in one step on the average rank: for kernels the mean over ranks; for collectives the mean
/// over stages of the quickest rank's, which came last and so waited for nobody (of all ranks' where stages
/// meet, and what the others waited there is waiting); transfers count as waiting. All ranks get the same
/// figures.
StepMeasurement measure_steps(Executor& executor, const RankPlan& plan, Communicator& communicator,
                              const OpGroups& groups, const MeasurementPlan& how);

/// The last step's timelines of one rank of every stage (the first of its groups), on every rank.
/// @param wide  a communicator for fp64 over the same ranks, to bring times together
void report_all_stages(const Executor& executor, const RankPlan& plan, Communicator& wide,
                       TimelineSink& sink);

}  // namespace foreshard
