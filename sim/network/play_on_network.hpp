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

/// A job with its place on a fabric.
struct NetworkJob {
  const JobSpec& job;
  const StepProgram& program;
  std::vector<Rank> devices;  ///< of the fabric, by rank of the job
  SimulationOptions options{};
  TimelineSink* timeline = nullptr;  ///< of its first step; may be null
};

/// What one link, or each of several alike, carried during the first job's step.
struct LinkLoad {
  ClusterLink link;
  std::uint32_t index = 0;
  std::int64_t alike = 1;  ///< links, this one included, that carry the same
  double bytes = 0.0;
  double share = 0.0;  ///< of what it could have carried in that time
};

struct NetworkResult {
  std::vector<SimulationResult> jobs;  ///< each job's first step
  std::vector<LinkLoad> links;         ///< that carried anything, the busiest first
  LinkSeries series;                   ///< what they carried when
  bool is_folded = false;
};

/// Steps of jobs that share a fabric, with every communication as flows. Jobs start together; each but the
/// last to end its first step goes on with further steps until then, so that none has the fabric for itself.
///
/// Where every_rank is not asked for, ranks are folded if all groups of each kind prove alike on this fabric,
/// those of all jobs together; otherwise every rank is played, without a timeline for totals only.
/// @throws as simulate_step
NetworkResult play_on_network(std::span<const NetworkJob> jobs, const Fabric& fabric);

/// Devices for jobs of so many nodes each on one fabric.
enum class Placement : std::uint8_t {
  packed,      ///< one job's nodes after the other's
  interleaved  ///< the jobs' nodes in turn
};
std::vector<std::vector<Rank>> place_jobs(std::span<const std::int64_t> nodes, std::int64_t devices_per_node,
                                          Placement placement);

}  // namespace foreshard
