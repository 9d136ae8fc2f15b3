#pragma once

#include <string>
#include <vector>

#include "planner/results/simulated_job.hpp"

namespace foreshard::report {

/// What each stage did with the step; of many stages the first, the last and evenly spaced ones between.
std::vector<std::string> stage_lines(const SimulatedStep& step);

/// Which ranks the step waits for and which wait: those with most and least to do. Of a simulation of every
/// rank.
std::vector<std::string> rank_lines(const SimulatedStep& step);

/// The critical path by operation. Empty where it was not followed.
std::vector<std::string> path_lines(const SimulatedStep& step);

/// By how much what is in the job's way makes its step longer, and over all draws. Empty where nothing is.
std::vector<std::string> disturbed_lines(const SimulatedStep& step);

/// The busiest link of each kind. Empty without flows.
std::vector<std::string> link_lines(const SimulatedStep& step);

/// The trainings that were played failure by failure, beside the closed form of the plan. Empty where none
/// were.
std::vector<std::string> training_lines(const SimulatedJob& done);

}  // namespace foreshard::report
