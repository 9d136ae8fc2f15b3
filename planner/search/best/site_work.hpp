#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/search/best/search_request.hpp"
#include "planner/search/price/plan_floor.hpp"
#include "planner/search/space/plan_space.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// A plan that has only been bounded so far.
struct BoundedPlan {
  PlanPoint point;
  PlanFloor floor;
};

/// What one part of the space holds.
struct SpacePart {
  std::vector<BoundedPlan> candidates{};  ///< plans that may fit, in the order of their points
  std::int64_t plans = 0;                 ///< legal
  std::int64_t too_large = 0;             ///< by their floors
  std::int64_t without_floor = 0;
  std::int64_t programs = 0;  ///< step programs that were built for floors
  Refusals refusals{};
};

/// What the own step program of a plan says about it before it is estimated.
struct CloseFloor {
  bool fits = false;
  PlanFloor floor;  ///< the step's; the memory is that of the estimate
  bool is_even =
      false;  ///< stages chosen by cost are those of an even split: both plans have the same step program
};

/// A plan that was estimated.
struct EstimatedPlan {
  std::optional<Estimate> estimate{};  ///< none: the plan does not fit
};

/// What a search does on one site, cut into pieces that can be done anywhere and in any order: whoever makes it from the
/// same job and request gets the same answers. Its functions may be called on several threads at once.
class SiteWork {
 public:
  /// `request` must outlive this object.
  SiteWork(const JobSpec& job, const SearchRequest& request);

  [[nodiscard]] const PlanSpace& space() const { return space_; }
  [[nodiscard]] bool is_stopped() const { return request_.stop != nullptr && request_.stop->load(); }

  /// Walks one part of the space (PlanSpace::parts); ends early with what it has if the search is stopped.
  [[nodiscard]] SpacePart bound(std::size_t part) const;
  /// Bounds one plan by its own step program (step_floor). @pre the plan is legal
  [[nodiscard]] CloseFloor close_floor(const PlanPoint& plan) const;
  /// Estimates a plan if it fits. @pre the plan is legal; its close floor fits, unless no plan has one (prunes)
  [[nodiscard]] EstimatedPlan estimated(const PlanPoint& plan) const;

 private:
  [[nodiscard]] bool fits(Bytes needed) const { return needed.as_double() <= most_needed_; }
  [[nodiscard]] bool fits(const MemoryReport& memory) const;

  const SearchRequest& request_;
  PlanSpace space_;
  double most_needed_;  // bytes
};

}  // namespace foreshard
