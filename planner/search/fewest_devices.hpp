#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "planner/cost/step/estimate.hpp"
#include "planner/search/variants.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The smallest cluster on which a job fits, and its fastest plan there.
struct FewestDevices {
  JobSpec job;  ///< on that cluster
  Estimate estimate;
  std::int64_t sizes = 0;  ///< clusters that were tried
  std::int64_t plans = 0;  ///< jobs whose memory was computed
};

/// Searches the smallest cluster of the job's kind on which the job fits: first a share of one node (1, 2, 4, …
/// devices), then whole nodes. On each it tries legal degrees of tp (within a node) and pp, three of ep (the job's, the
/// largest, the largest within a node), ZeRO as in the job and further, the job's recomputation and full recomputation,
/// and the job's micro-batch and 1. The model, the sequence, the global batch and everything else stay. Among the plans
/// that fit, the fastest is returned. If the job fits nowhere with its cp, larger ones are tried.
/// A number of nodes that fits is first found by doubling; then the smallest is found below it by bisection, as if a job
/// that fits on n nodes also fits on more. Numbers of nodes over which no degrees spread the job are passed over.
/// What stands in `fixed` is not changed. The job's own degrees need not be legal on its own cluster.
/// @returns none if the job fits on none of the clusters that were tried, at most kMostDevices devices
inline constexpr std::int64_t kMostDevices = 65'536;
std::optional<FewestDevices> fewest_devices(const JobSpec& job, std::span<const Axis> fixed = {});

}  // namespace foreshard
