#pragma once

#include <ostream>

#include "planner/program/schedule/timeline.hpp"
#include "planner/results/predicted_step.hpp"

namespace foreshard {

/// Simulates the step of a job from the times of its operations. Has the signature of a StepPredictor.
PredictedStep predict_step(const JobSpec& job, const StepProgram& program, const OpTimes& times);

/// Writes the simulated timeline of this step and a measured one, one above the other, in Chrome's trace
/// format.
/// @throws std::runtime_error if writing to the stream failed
void write_both_timelines(std::ostream& out, const JobSpec& job, const StepProgram& program,
                          const OpTimes& times, const Timeline& measured);

}  // namespace foreshard
