#pragma once

#include <string>
#include <vector>

#include "cli/commands/simulate_job.hpp"

namespace foreshard::cli {

/// Which ranks the step waits for and which wait: those with most and least to do. Of a simulation of every
/// rank.
std::vector<std::string> rank_lines(const SimulatedJob& done);

/// By how much what is in the job's way makes its step longer, and over all draws. Empty where nothing is.
std::vector<std::string> disturbed_lines(const SimulatedJob& done);

/// The busiest link of each kind. Empty without flows.
std::vector<std::string> link_lines(const SimulatedJob& done);

}  // namespace foreshard::cli
