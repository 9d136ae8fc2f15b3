#pragma once

#include <string>

#include "planner/results/simulated_job.hpp"

namespace foreshard {

/// The result of `simulate` for people: the plan with simulated times, then results that only a simulation
/// gives: each stage's bubble and busy lanes, the critical path by operation, and, if asked for, how ranks
/// differ and what links carry. At most 100 columns.
std::string simulation_table(const SimulatedJob& done);

}  // namespace foreshard
