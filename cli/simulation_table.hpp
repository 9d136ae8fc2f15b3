#pragma once

#include <string>

#include "planner/report/planned_job.hpp"
#include "sim/play/simulation_result.hpp"

namespace foreshard::cli {

/// What `simulate` answers, for people: the plan with simulated times, then what only a schedule knows: each
/// stage's bubble and busy lanes, and the critical path by operation. At most 100 columns.
std::string simulation_table(const PlannedJob& planned, const SimulationResult& simulation);

}  // namespace foreshard::cli
