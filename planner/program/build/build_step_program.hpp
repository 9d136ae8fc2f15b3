#pragma once

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The step program of one job: forward blocks emitted, backward derived, sequence parallelism, recomputation
/// and ZeRO applied as passes, orders from the schedule.
/// @pre `job` is legal (find_illegalities is empty).
StepProgram build_step_program(const JobSpec& job);

}  // namespace foreshard
