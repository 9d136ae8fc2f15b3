#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/search/change.hpp"
#include "planner/search/setting.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// A plan near the job's own.
struct NearPlan {
  std::vector<Setting> settings;  ///< that make it of the job
  JobSpec job;
  Seconds step;
  Bytes needed;  ///< per device, on the worst stage

  [[nodiscard]] bool fits(Bytes capacity) const { return needed <= capacity; }
};

/// Changes that a device with more memory, or a larger node, may allow: less recomputation, larger or smaller
/// micro-batches, twice or half of tp, pp, cp and ep, another ZeRO stage; alone and in pairs. Not checked for
/// legality.
std::vector<Change> near_changes(const JobSpec& job);

/// The plans of these changes that are legal and need at most `capacity`, whatever the cluster's own is. Global
/// batch and devices stay.
/// @param tried the number of plans whose memory was computed is added to it
std::vector<NearPlan> near_plans(const JobSpec& job, Bytes capacity, std::int64_t& tried);

/// The fastest of those that fit, the first of equals; none if nothing fits.
std::optional<NearPlan> fastest(const std::vector<NearPlan>& plans, Bytes capacity);

}  // namespace foreshard
