#pragma once

#include "planner/cost/ops/cost_model.hpp"
#include "sim/step/simulate_step.hpp"
#include "sim/study/simulation_options.hpp"

namespace foreshard::test {

/// The default options of a job's step, for its times alone.
inline SimulationOptions totals_only(const CostModel& cost) {
  SimulationOptions options = simulation_options(cost);
  options.critical_path = false;
  options.totals_only = true;
  return options;
}

}  // namespace foreshard::test
