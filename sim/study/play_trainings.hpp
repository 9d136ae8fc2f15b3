#pragma once

#include <optional>

#include "planner/cost/step/estimate.hpp"
#include "planner/results/played_trainings.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The job's training played failure by failure, beside the closed form of the estimate; so many times as
/// take about a second, but from 20 to 1,000. The same each time. None where the job does not say how long
/// it trains or how often something fails, where it never ends, and where two runs would take too long.
std::optional<PlayedTrainings> play_trainings(const JobSpec& job, const TrainingFigures& training);

}  // namespace foreshard
