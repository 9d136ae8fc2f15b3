#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/search/setting.hpp"
#include "planner/search/variants.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// Most remedies that are returned.
inline constexpr std::size_t kMostRemedies = 3;

/// A change with which a job that is too large fits into memory, and the plan of the changed job.
struct Remedy {
  std::vector<Setting> settings;  ///< the change
  JobSpec job;                    ///< the job with it
  Bytes needed;                   ///< per device, on the worst stage
  Seconds step;
  double slowdown = 0.0;  ///< step / step of the unchanged job − 1
};

/// The remedies for a job that does not fit.
struct Advice {
  /// At most kMostRemedies, in the order in which an expert tries them (place_of); the fastest that was found is
  /// one of them. All use the job's devices; if nothing that was tried on these
  /// fits, all use more devices, as few as were found to be enough. Empty if nothing helps or the job fits.
  std::vector<Remedy> remedies;
  std::int64_t plans = 0;  ///< how many changes were planned

  [[nodiscard]] bool needs_more_devices(const JobSpec& job) const {
    return !remedies.empty() && remedies.front().job.cluster.devices() > job.cluster.devices();
  }
};

/// Searches remedies among the changes of change.hpp: plans each change alone, then pairs, the smallest
/// expected slowdown first; then triples if nothing fits so far; then more nodes if still nothing fits. A
/// change is left out if a part of it is enough. Axes in `fixed` are not changed. The number of planned jobs
/// is bounded.
/// @pre `job` is legal and `estimate` is its estimate
Advice advise(const JobSpec& job, const Estimate& estimate, std::span<const Axis> fixed = {});

}  // namespace foreshard
