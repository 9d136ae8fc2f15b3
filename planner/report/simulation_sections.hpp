#pragma once

#include <string>
#include <vector>

#include "planner/results/simulated_job.hpp"

namespace foreshard::report {

/// How each stage spent the step; if there are many stages, the first, the last and evenly spaced ones
/// between.
std::vector<std::string> stage_lines(const SimulatedStep& step);

/// The ranks that the step waits for and the ranks that wait: those with most and with least work. Only if
/// every rank was simulated.
std::vector<std::string> rank_lines(const SimulatedStep& step);

/// The critical path by operation. Empty if it was not computed.
std::vector<std::string> path_lines(const SimulatedStep& step);

/// By how much disturbances lengthen the step, also over all draws. Empty if there are no disturbances.
std::vector<std::string> disturbed_lines(const SimulatedStep& step);

/// The busiest link of each kind. Empty if communication was not simulated as flows.
std::vector<std::string> link_lines(const SimulatedStep& step);

/// The trainings that were simulated failure by failure, compared with the closed form of the plan. Empty if
/// there are none.
std::vector<std::string> training_lines(const SimulatedJob& done);

}  // namespace foreshard::report
