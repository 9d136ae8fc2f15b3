#pragma once

#include <string>

#include "planner/results/training_curve.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The result of `train` for people: what was trained, the losses as bars, and a conclusion.
std::string training_table(const JobSpec& job, const TrainingCurve& curve);

}  // namespace foreshard
