#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Runs of the user's own system, from which a prediction for that system learns what it adds.
struct LikeRuns {
  std::size_t runs = 0;
  double deviation = 0.0;  ///< the median of measured / predicted − 1
};

/// Fewest runs whose median says more than one of them.
inline constexpr std::size_t kFewestLikeRuns = 3;

/// Predicts measured jobs and takes the median of their deviations. Jobs without a step time, and those that say
/// why they are not judged, are left out.
/// @throws std::invalid_argument if no job is left
LikeRuns like_runs(const std::vector<JobSpec>& measured);

/// Moves the band and the typical time of a step to where runs of the same system lie: the median deviation of
/// these runs, with what published runs scatter around three others of their system (kAroundOwnRuns). Time and
/// cost of the whole training follow; the predicted step and its parts stay those of a healthy, tuned run.
void apply(const LikeRuns& runs, const JobSpec& job, Estimate& estimate);

}  // namespace foreshard
