#include "planner/search/best/site.hpp"

#include <algorithm>

#include "planner/units/count.hpp"

namespace foreshard {

std::optional<JobSpec> job_on(const JobSpec& job, const ClusterSpec& cluster, std::int64_t devices,
                              bool scales_batch) {
  const std::int64_t node = cluster.devices_per_node + cluster.idle_per_node;
  if (devices < 1 || (devices > node && devices % node != 0)) return std::nullopt;
  JobSpec moved = job;
  moved.measured.reset();
  moved.cluster = cluster;
  moved.cluster.nodes = std::max<std::int64_t>(devices / node, 1);
  moved.cluster.devices_per_node = std::min(devices, node);
  moved.cluster.idle_per_node = node - moved.cluster.devices_per_node;
  if (!scales_batch) return moved;
  const std::int64_t sequences = checked_product(job.training.global_batch, devices);
  if (sequences % job.cluster.devices() != 0) return std::nullopt;
  moved.training.global_batch = sequences / job.cluster.devices();
  return moved;
}

}  // namespace foreshard
