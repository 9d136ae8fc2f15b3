#pragma once

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// The estimate of a job with its step taken from a simulation: time, band, breakdown, utilisation, run.
/// Parameters, FLOPs, memory and traffic are sums of the same program and stay.
Estimate with_simulation(const JobSpec& job, Estimate estimate, const SimulationResult& simulation);

}  // namespace foreshard
