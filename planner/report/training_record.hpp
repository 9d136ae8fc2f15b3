#pragma once

#include "planner/report/record.hpp"
#include "planner/results/training_curve.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::report {

/// The keys: {job, steps, losses[], final_loss, entropy, characters, alphabet, learning_rate, seconds,
/// tokens_per_s}
Record training_record(const JobSpec& job, const TrainingCurve& curve);

}  // namespace foreshard::report
