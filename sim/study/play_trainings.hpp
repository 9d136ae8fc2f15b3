#pragma once

#include <optional>

#include "planner/cost/step/estimate.hpp"
#include "planner/results/played_trainings.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Simulates the job's training failure by failure, to compare with the closed form of the estimate. The
/// number of runs, from 20 to 1,000, is chosen so that they take about a second. The result is the same each
/// time. None if the job does not give its length or failure rate, if the training never ends, or if two runs
/// would take too long.
std::optional<PlayedTrainings> play_trainings(const JobSpec& job, const TrainingFigures& training);

}  // namespace foreshard
