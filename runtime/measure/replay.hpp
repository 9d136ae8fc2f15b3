#pragma once

#include "planner/cost/step/lane_player.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/execute/executor.hpp"

namespace foreshard {

/// How often the blocks of a job are timed.
struct ReplayPlan {
  int rounds = 5;          ///< at least, over all runs of a block
  int least_samples = 12;  ///< of a block that runs once per micro-batch
};

/// Measures every operation of the job's program on this machine, on all ranks together: for each block, all
/// its runs one after the other (so that layers and micro-batches use the caches as in a step), and the
/// median of each operation's times. For a collective it is the fastest rank's time, because that rank waited
/// for nobody. Transfers are timed between neighbouring stages.
///
/// Changes weights and moments: initialize the executor again. @pre one step has been run, so that memory has
/// ordinary numbers
OpTimes replay_times(Executor& executor, const RankPlan& plan, Communicator& communicator,
                     const ReplayPlan& how = {});

}  // namespace foreshard
