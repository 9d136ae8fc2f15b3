#pragma once

#include "planner/cost/step/lane_player.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/execute/executor.hpp"

namespace foreshard {

/// How long to time the blocks of a job.
struct ReplayPlan {
  int rounds = 5;          ///< through all runs of a block, at least
  int least_samples = 12;  ///< of a block that micro-batches run
};

/// The time of every operation of the job's program as this machine runs it: block by block, each of its runs
/// in turn (so that layers and micro-batches follow each other in memory as they do in a step), all ranks
/// together, the median of what each operation took. A collective's is the quickest rank's, which waited for
/// nobody. Transfers are timed between neighbouring stages.
///
/// Leaves weights and moments changed: initialize the executor again. @pre one step has been run, so that
/// memory holds what it usually holds
OpTimes replay_times(Executor& executor, const RankPlan& plan, Communicator& communicator,
                     const ReplayPlan& how = {});

}  // namespace foreshard
