#pragma once

#include <string>
#include <vector>

#include "cli/commands/simulate_job.hpp"

namespace foreshard::cli {

/// The machine-readable result of `simulate`: as that of `plan`, and for each job
///   simulation.{network,ranks,operations,undisturbed_s}       network: alpha-beta or flow; null where
///   nothing
///                                                             was in its way
///   simulation.seeds.{draws,seed,p5_s,median_s,p95_s}         null for one draw
///   simulation.with.{job,time_s,alone_s}                      the other job on the fabric, or null
///   simulation.links[].{link,alike,bytes,busy}                with flows, the busiest first
std::string simulation_json(const std::vector<SimulatedJob>& jobs);

}  // namespace foreshard::cli
