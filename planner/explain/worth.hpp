#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/explain/lever.hpp"
#include "planner/explain/near_plans.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What moving one lever is worth.
struct LeverWorth {
  Lever lever = Lever::peak_rate;
  bool applies = false;  ///< the figures below are set only then
  Seconds step{};        ///< with the job's own plan
  /// A near plan that fits only with the lever moved and is faster than `step` and than every near plan without;
  /// only of memory_size and node_size.
  std::optional<NearPlan> plan{};
  /// Of the step, by the faster of the two plans, against the fastest plan without the lever. Of a job that does
  /// not fit and of which no near plan does, against its own step.
  Seconds change{};
  bool makes_it_fit = false;  ///< the job's own plan fits only with the lever moved
  /// Dollars per token: the change of `change`, at the cluster's price; none without a price.
  std::optional<double> dollars_per_token{};
  /// How much dearer a device with it may be at the same dollars per token, as a share of its price.
  double worth_of_price = 0.0;
};

/// The worth of every lever.
struct HardwareWorth {
  Seconds step;                             ///< of the job as it is
  std::optional<double> dollars_per_token;  ///< of the job as it is, idle devices included
  std::vector<LeverWorth> levers;           ///< by kLevers
  /// The fastest near plan on the job's own cluster, if it is faster than the job's, or the job's does not fit.
  std::optional<NearPlan> better;
  std::int64_t tried = 0;  ///< near plans whose memory was computed
};

/// Plans the job with each lever moved by `more`.
/// @pre `estimate` is the estimate of `job`
HardwareWorth hardware_worth(const JobSpec& job, const Estimate& estimate, double more = kMore);

}  // namespace foreshard
