#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// Replaces the step of a job's estimate by a simulated one: time, error band, breakdown, utilisation, and
/// the figures of the whole training. Parameters, FLOPs, memory and traffic stay, because they are sums over
/// the same program.
Estimate with_simulation(const JobSpec& job, Estimate estimate, const SimulationResult& simulation);

}  // namespace foreshard
