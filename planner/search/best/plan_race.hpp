#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "planner/search/best/search_request.hpp"
#include "planner/search/best/site_work.hpp"

namespace foreshard {

/// The plans found so far, and which further ones could still change what is shown: the best plans, the best with each
/// value of each axis, and the front of step time and memory.
/// The front is kept up to steps kFrontReach times the best, and to kFrontStep of the capacity: a plan that is no faster
/// than another and saves no more memory than that is not on it.
class PlanRace {
 public:
  static constexpr double kFrontReach = 1.5;
  static constexpr double kFrontStep = 0.02;

  PlanRace(const AxisValues& values, const SearchRequest& request, Bytes capacity);

  /// By what plans are ordered: the step, or the memory if that is the objective.
  [[nodiscard]] double key(Seconds step, Bytes needed) const;
  /// False if the plan, which is no better than its floor, cannot be shown.
  [[nodiscard]] bool may_matter(const BoundedPlan& candidate) const;
  /// Takes in an estimated plan that fits.
  void add(FoundPlan plan);

  /// The best plans, and the front; complete after the last add().
  [[nodiscard]] const std::vector<FoundPlan>& best() const { return best_; }
  [[nodiscard]] std::vector<FoundPlan> front() const;
  [[nodiscard]] std::vector<BestOfValue> values() const;

 private:
  [[nodiscard]] double key(const FoundPlan& plan) const;
  [[nodiscard]] bool comes_before(const FoundPlan& a, const FoundPlan& b) const;
  void add_to_front(const FoundPlan& plan, Seconds step, Bytes needed);
  [[nodiscard]] bool may_join_front(const PlanFloor& floor) const;

  const AxisValues& values_;
  const SearchRequest& request_;
  Bytes slack_;  // of memory, on the front
  std::vector<FoundPlan> best_;
  std::vector<FoundPlan> front_;
  std::array<std::vector<std::optional<FoundPlan>>, kSearchAxisCount> of_value_;  // by axis and place
  std::optional<Seconds> fastest_;
};

/// What the plan needs of a device: reserved + context.
Bytes needed_by(const Estimate& estimate);

}  // namespace foreshard
