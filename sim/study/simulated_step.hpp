#pragma once

#include <span>
#include <vector>

#include "planner/results/simulated_job.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/network/play_on_network.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// Converts the times of a simulation to seconds, and adds the disturbance of each rank.
SimulatedStep simulated_step(const SimulationResult& simulation, const Disturbance& disturbance);

std::vector<SimulatedLink> simulated_links(std::span<const LinkLoad> links);

}  // namespace foreshard
