#pragma once

#include "planner/cost/ops/cost_model.hpp"
#include "sim/step/simulate_step.hpp"

namespace foreshard {

/// The options with which a job's step is simulated where nothing else is asked for: how much communication
/// slows kernels, and how long the host takes to submit one, are those of the job's cost model. Every
/// prediction by simulation starts from these.
SimulationOptions simulation_options(const CostModel& cost);

}  // namespace foreshard
