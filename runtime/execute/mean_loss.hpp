#pragma once

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/rank_plan.hpp"

namespace foreshard {

/// Returns on every rank the mean loss of a step over its tokens. Sums the terms of the data-parallel
/// replicas of the last stage; the tensor-parallel ranks of a replica all have the same term. A collective
/// call of all ranks.
/// @param own  the result of Executor::run_step on this rank
double mean_loss(const RankPlan& plan, double own, Communicator& communicator);

}  // namespace foreshard
