#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/search/comparison.hpp"
#include "planner/search/fewest_devices.hpp"
#include "planner/search/space/axis_values.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What the best plan has most of, or least.
enum class SearchObjective : std::uint8_t {
  step_time,          ///< the shortest step
  time_to_train,      ///< the shortest time per token
  tokens_per_dollar,  ///< the cheapest token
  devices,            ///< the fewest devices on which it fits; on these the shortest step
  memory_headroom     ///< the most free memory
};

/// A plan that fits, with its estimate.
struct FoundPlan {
  PlanPoint point;
  ComparedVariant plan;
  /// Probability that the first plan of the list is faster (likelihood.hpp); 0.5 for the first itself.
  double behind = 0.5;
  bool tied = false;                  ///< `behind` is less than kClear
  std::optional<Seconds> replayed{};  ///< the step in the simulator, if it was simulated

  [[nodiscard]] const JobSpec& job() const { return plan.variant.job; }
  [[nodiscard]] const Estimate& estimate() const { return *plan.estimate; }
};

/// The best plan that has one value on one axis.
struct BestOfValue {
  SearchAxis axis = SearchAxis::tp;
  std::string value;
  std::optional<FoundPlan> best;  ///< none: no plan with this value fits
};

/// How the combinations of a space were decided. combinations = plans + all of `refused`; plans = too_large + slower +
/// estimated, unless the search was ended early.
struct SearchCounts {
  std::int64_t combinations = 0;
  std::int64_t plans = 0;      ///< legal
  std::int64_t too_large = 0;  ///< they do not fit: by their floor, or by their memory ledger
  std::int64_t slower = 0;  ///< not estimated: by their floor they cannot be among the plans that are shown
  std::int64_t estimated = 0;
  std::int64_t without_floor = 0;  ///< of the plans, those that only their estimate decides
  std::int64_t programs = 0;       ///< step programs that were built for floors
  std::vector<std::pair<std::string, std::int64_t>> refused;  ///< by reason, the most frequent first

  [[nodiscard]] std::int64_t refusals() const;
};

/// The search on one cluster.
struct SiteResult {
  JobSpec job;                   ///< the job on this cluster, before its plan is chosen
  std::vector<FoundPlan> best;   ///< the best first
  std::vector<FoundPlan> front;  ///< no plan is both faster and smaller; the fastest first
  std::vector<BestOfValue> values;
  std::optional<ComparedVariant> own;  ///< the job's own plan, if it is legal
  SearchCounts counts;
  bool complete = true;  ///< false: ended early, the best so far
};

struct SearchResult {
  SearchObjective objective = SearchObjective::step_time;
  double memory_margin = 0.0;
  std::vector<SiteResult> sites{};        ///< in the order asked for
  std::vector<std::size_t> ranking{};     ///< of the sites on which a plan fits, the best first
  std::optional<FewestDevices> fewest{};  ///< on the job's kind of cluster; only for one site
};

}  // namespace foreshard
