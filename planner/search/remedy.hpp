#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/search/setting.hpp"
#include "planner/search/variants.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// As many remedies as are worth reading.
inline constexpr std::size_t kMostRemedies = 3;

/// A change with which a job that is too large fits, planned.
struct Remedy {
  std::vector<Setting> settings;  ///< the change
  JobSpec job;                    ///< the job with it
  Bytes needed;                   ///< per device, on the worst stage
  Seconds step;
  double slowdown = 0.0;  ///< step / step of the job as it was − 1
};

/// What helps a job that does not fit.
struct Advice {
  /// At most kMostRemedies, the fastest first. All on the job's devices or, where nothing that was tried on
  /// these fits, all on more: as few as were found to do. Empty where nothing helps, or the job fits.
  std::vector<Remedy> remedies;
  std::int64_t plans = 0;  ///< how many changes were planned

  [[nodiscard]] bool needs_more_devices(const JobSpec& job) const {
    return !remedies.empty() && remedies.front().job.cluster.devices() > job.cluster.devices();
  }
};

/// Plans changes (change.hpp): each alone, then two together, the least slowdown first; three together where
/// nothing has fitted; more nodes where still nothing has. A change that a part of it makes needless is left
/// out. `fixed` axes stay as they are. Plans a bounded number of jobs, whatever the job.
/// @pre `job` is legal and `estimate` is its estimate
Advice advise(const JobSpec& job, const Estimate& estimate, std::span<const Axis> fixed = {});

}  // namespace foreshard
