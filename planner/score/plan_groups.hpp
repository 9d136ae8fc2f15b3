#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "planner/score/scored_case.hpp"

namespace foreshard {

/// Fewer plans than this say nothing about order.
inline constexpr std::size_t kLeastPlans = 3;

/// Plans of one source that answer the same question: their order is what a planner is asked for.
struct PlanGroup {
  std::vector<std::size_t> cases;  ///< indices, at least kLeastPlans
  /// Of predicted and measured tokens/s. The plans of a group have the same tokens per step, so the order of
  /// step times is theirs, reversed on both sides.
  double rank_correlation = 0.0;
  /// How much longer the plan predicted fastest takes than the one measured fastest: measured / measured
  /// best − 1. Of several predicted alike, the slowest.
  double regret = 0.0;
};

/// All groups of at least kLeastPlans, in the order in which their first cases stand.
std::vector<PlanGroup> group_plans(std::span<const ScoredCase> cases);

/// What the groups of a source say together.
struct Ranking {
  std::size_t groups = 0;
  double rank_correlation = 0.0;  ///< mean over groups
  double regret = 0.0;            ///< mean over groups
};

/// None where there is no group.
std::optional<Ranking> rank_groups(std::span<const ScoredCase> cases);

}  // namespace foreshard
