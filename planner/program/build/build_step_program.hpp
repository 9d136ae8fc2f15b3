#pragma once

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Builds the step program of one job: emits the forward blocks, derives the backward blocks, applies
/// sequence parallelism, recomputation and ZeRO as passes, and takes the order of each stage from the
/// schedule.
/// @pre `job` is legal (find_illegalities is empty).
StepProgram build_step_program(const JobSpec& job);

}  // namespace foreshard
