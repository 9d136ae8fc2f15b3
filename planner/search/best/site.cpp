#include "planner/search/best/site.hpp"

#include "planner/units/count.hpp"

namespace foreshard {
namespace {

/// The fewest nodes with equally many devices in use, at least seven eighths of what a node offers; none if there is no
/// such number. Example: 128 devices on nodes of 72 are 64 of each of 2.
std::optional<std::int64_t> nodes_for(const ClusterSpec& cluster, std::int64_t devices) {
  const std::int64_t most = cluster.devices_per_node;
  if (devices < 1) return std::nullopt;
  if (devices <= most) return 1;
  for (std::int64_t nodes = (devices + most - 1) / most; 8 * devices >= 7 * checked_product(most, nodes);
       ++nodes) {
    if (devices % nodes == 0) return nodes;
  }
  return std::nullopt;
}

}  // namespace

std::optional<JobSpec> job_on(const JobSpec& job, const ClusterSpec& cluster, std::int64_t devices,
                              bool scales_batch) {
  const auto nodes = nodes_for(cluster, devices);
  if (!nodes) return std::nullopt;
  JobSpec moved = job;
  moved.measured.reset();
  moved.cluster = cluster;
  moved.cluster.nodes = *nodes;
  moved.cluster.devices_per_node = devices / *nodes;
  moved.cluster.idle_per_node =
      cluster.devices_per_node + cluster.idle_per_node - moved.cluster.devices_per_node;
  if (!scales_batch) return moved;
  const std::int64_t sequences = checked_product(job.training.global_batch, devices);
  if (sequences % job.cluster.devices() != 0) return std::nullopt;
  moved.training.global_batch = sequences / job.cluster.devices();
  return moved;
}

}  // namespace foreshard
