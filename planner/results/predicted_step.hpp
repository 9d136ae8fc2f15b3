#pragma once

#include <functional>

#include "planner/cost/step/lane_player.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// A step as it is predicted from the times of its operations.
struct PredictedStep {
  Seconds time;
  Seconds waiting;  ///< for other stages, mean over stages
  Seconds exposed;  ///< collectives that no kernel hides, mean over stages
};

/// Predicts the step of a job, whose program this is, from the times of its operations.
using StepPredictor =
    std::function<PredictedStep(const JobSpec& job, const StepProgram& program, const OpTimes& times)>;

}  // namespace foreshard
