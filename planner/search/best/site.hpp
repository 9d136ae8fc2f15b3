#pragma once

#include <cstdint>
#include <optional>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The job on this many devices of a cluster's kind: a share of one node, or nodes with up to an eighth of their devices
/// idle, beside those that the cluster leaves idle. Its degrees are left as they are. None if the devices are more than a
/// node and are no equal shares of such nodes.
/// @param scales_batch  the global batch grows with the devices; none if it would not be a whole number
std::optional<JobSpec> job_on(const JobSpec& job, const ClusterSpec& cluster, std::int64_t devices,
                              bool scales_batch);

}  // namespace foreshard
