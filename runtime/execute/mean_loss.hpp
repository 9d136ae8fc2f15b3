#pragma once

#include "runtime/comm/communicator.hpp"
#include "runtime/execute/rank_plan.hpp"

namespace foreshard {

/// The mean loss of a step over its tokens, on every rank. Every data-parallel replica of the last stage has
/// its summand, each tensor-parallel rank of it the same. All ranks together.
/// @param own  what Executor::run_step gave on this rank
double mean_loss(const RankPlan& plan, double own, Communicator& communicator);

}  // namespace foreshard
