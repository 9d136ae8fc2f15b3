#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/program/schedule/timeline.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "sim/network/fabric.hpp"
#include "sim/network/link_series.hpp"
#include "sim/step/simulate_step.hpp"

namespace foreshard {

/// A job and the devices of the fabric on which it runs.
struct NetworkJob {
  const JobSpec& job;
  const StepProgram& program;
  std::vector<Rank> devices;  ///< devices of the fabric, by rank of the job
  SimulationOptions options{};
  TimelineSink* timeline = nullptr;  ///< receives the job's first step; may be null
};

/// What one link, or each link of one class, carried during the first job's step.
struct LinkLoad {
  ClusterLink link;
  std::uint32_t index = 0;
  std::int64_t alike = 1;  ///< number of links, this one included, that carry the same
  double bytes = 0.0;
  double share = 0.0;  ///< utilisation: bytes as a share of what it could have carried in that time
};

struct NetworkResult {
  std::vector<SimulationResult> jobs;  ///< each job's first step
  std::vector<LinkLoad> links;         ///< links that carried anything, the busiest first
  LinkSeries series;                   ///< what they carried over time
  bool is_folded = false;
};

/// Simulates one step of each job on a shared fabric, with all communication as flows. Jobs start together. A
/// job that has ended its first step repeats it until every job has ended one, so that no job ever has the
/// fabric to itself.
///
/// Unless every_rank is requested, ranks are folded if the groups of each kind, those of all jobs together,
/// are equivalent on this fabric (sim/network/fold_flows.hpp). Otherwise every rank is simulated; a job
/// without a timeline then gives totals only.
/// @throws as simulate_step
NetworkResult play_on_network(std::span<const NetworkJob> jobs, const Fabric& fabric);

/// How the nodes of several jobs are arranged on one fabric.
enum class JobPlacement : std::uint8_t {
  packed,      ///< all nodes of the first job, then all nodes of the next
  interleaved  ///< one node of each job in turn
};
std::vector<std::vector<Rank>> place_jobs(std::span<const std::int64_t> nodes, std::int64_t devices_per_node,
                                          JobPlacement placement);

}  // namespace foreshard
