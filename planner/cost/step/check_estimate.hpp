#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Checks that every figure of an estimate can be printed. All code that makes or changes an estimate calls
/// this function before it returns the estimate.
/// @throws ResultError if a figure is not a number, infinite, negative or too large to be printed; the
/// message names the figure and the input that is likely to blame
void check_estimate(const JobSpec& job, const Estimate& estimate);

}  // namespace foreshard
