#pragma once

#include <functional>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// A step time that was predicted from the times of the step's operations.
struct PredictedStep {
  Seconds time;
  Seconds waiting;  ///< waits for other stages, mean over stages
  Seconds exposed;  ///< collectives not hidden by kernels, mean over stages
};

/// A function that predicts the step of a job from its step program and the times of the program's
/// operations.
using StepPredictor =
    std::function<PredictedStep(const JobSpec& job, const StepProgram& program, const OpTimes& times)>;

}  // namespace foreshard
