#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The one place in which an estimate is looked at before anybody reads it: whoever makes or changes one calls this.
/// @throws ResultError where a figure is not a number, infinite, negative or too large to be printed; the message
/// names it and the input that is likely to blame
void check_estimate(const JobSpec& job, const Estimate& estimate);

}  // namespace foreshard
