#pragma once

#include "planner/cost/ops/cost_model.hpp"
#include "sim/step/simulate_step.hpp"

namespace foreshard {

/// The default options for simulating a job's step: how much communication slows kernels, and how long the
/// host takes to submit one, are taken from the job's cost model. Every prediction by simulation starts from
/// these.
SimulationOptions simulation_options(const CostModel& cost);

}  // namespace foreshard
