#pragma once

#include <string>

#include "planner/results/simulated_job.hpp"

namespace foreshard {

/// What `simulate` answers, for people: the plan with simulated times, then what only a schedule knows: each
/// stage's bubble and busy lanes, the critical path by operation, and where they were asked for, how ranks
/// differ and what links carry. At most 100 columns.
std::string simulation_table(const SimulatedJob& done);

}  // namespace foreshard
