#pragma once

#include <string>

#include "planner/explain/step_part.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::report {

/// A command that shows a part of the step, or what becomes of it in another plan: other degrees for exposed
/// communication, stages by cost for uneven ones, the accelerator's file for rates.
/// @param arguments the job as the command line names it
std::string loss_check(StepPart part, const JobSpec& job, const std::string& arguments);

}  // namespace foreshard::report
