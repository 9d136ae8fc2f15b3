#pragma once

#include <cstdint>
#include <optional>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The job on this many devices of a cluster's kind: a share of one node, or whole nodes. Its degrees are left as they
/// are. None if the devices are more than a node and do not fill whole nodes.
/// @param scales_batch  the global batch grows with the devices; none if it would not be a whole number
std::optional<JobSpec> job_on(const JobSpec& job, const ClusterSpec& cluster, std::int64_t devices,
                              bool scales_batch);

}  // namespace foreshard
