#pragma once

#include <optional>

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The least that a plan's step takes, from its own step program: closer to its estimate than PlanFloors, which many
/// plans share, because it counts the communication of data parallelism that kernels wait for: within layers (ZeRO 2
/// and 3), and before and after the micro-batches. Takes a fraction of a millisecond; an estimate plays every pass of a
/// pipeline, which takes up to a hundred. None where layers have no floor (LayerFloor::of).
std::optional<Seconds> step_floor(const JobSpec& job, const StepProgram& program);

}  // namespace foreshard
