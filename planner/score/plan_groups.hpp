#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "planner/score/scored_case.hpp"

namespace foreshard {

/// Fewest plans of a group: the order of fewer plans says nothing.
inline constexpr std::size_t kLeastPlans = 3;

/// Plans of one source that are alternatives for the same question. A planner should predict their order.
struct PlanGroup {
  std::vector<std::size_t> cases;  ///< indices, at least kLeastPlans
  /// Rank correlation of predicted and measured tokens/s. All plans of a group have the same tokens per step,
  /// so it is computed from step times: both orders are reversed.
  double rank_correlation = 0.0;
  /// How much longer the plan that was predicted fastest takes than the plan that was measured fastest:
  /// measured time / best measured time − 1. If several plans are predicted equally fast, the slowest of them
  /// counts.
  double regret = 0.0;
};

/// All groups of at least kLeastPlans plans, in the order of their first cases.
std::vector<PlanGroup> group_plans(std::span<const ScoredCase> cases);

/// Summary of the groups of a source.
struct Ranking {
  std::size_t groups = 0;
  double rank_correlation = 0.0;  ///< mean over groups
  double regret = 0.0;            ///< mean over groups
};

/// The summary of all groups of the cases; none if there is no group.
std::optional<Ranking> rank_groups(std::span<const ScoredCase> cases);

}  // namespace foreshard
