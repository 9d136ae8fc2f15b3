#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "planner/score/scored_case.hpp"

namespace foreshard {

/// Fewest plans of a group: the order of fewer plans says nothing.
inline constexpr std::size_t kLeastPlans = 3;
/// A pair of plans is judged if the slower one takes so much longer: closer ones are within what repeats of one job
/// differ by.
inline constexpr double kClearlySlower = 0.1;

/// One plan, which may have been measured several times: by other people, or in other releases.
struct MeasuredPlan {
  std::vector<std::size_t> cases;  ///< indices
  Seconds predicted;               ///< the median of its cases
  Seconds measured;                ///< the same
};

/// Plans of one source that are alternatives for the same question. A planner should predict their order.
struct PlanGroup {
  std::vector<MeasuredPlan> plans;  ///< at least two, in the order of their first cases
  /// Rank correlation of predicted and measured tokens/s. All plans of a group have the same tokens per step,
  /// so it is computed from step times: both orders are reversed.
  double rank_correlation = 0.0;
  /// How much longer the plan that was predicted fastest takes than the plan that was measured fastest:
  /// measured time / best measured time − 1. If several plans are predicted equally fast, the slowest of them
  /// counts.
  double regret = 0.0;
  std::size_t clear_pairs = 0;  ///< pairs of which one plan is clearly slower
  std::size_t right_pairs = 0;  ///< of these: the slower one is predicted to be slower
};

/// All groups of at least two plans, in the order of their first cases.
std::vector<PlanGroup> group_plans(std::span<const ScoredCase> cases);

/// Summary of the groups of a source.
struct Ranking {
  std::size_t groups = 0;         ///< with at least kLeastPlans plans
  double rank_correlation = 0.0;  ///< mean over these groups
  double regret = 0.0;            ///< mean over these groups
  std::size_t clear_pairs = 0;    ///< in all groups
  std::size_t right_pairs = 0;
};

/// The summary of all groups of the cases; none if no group has kLeastPlans plans or a pair that clearly differs.
std::optional<Ranking> rank_groups(std::span<const ScoredCase> cases);

/// How far repeats of one job lie apart: no prediction of one figure per job can be nearer on average.
struct NoiseFloor {
  std::size_t jobs = 0;   ///< measured more than once
  std::size_t cases = 0;  ///< their runs
  double mean_abs = 0.0;  ///< mean of |measured / median of the job's runs − 1|
};
/// None if no job was measured twice.
std::optional<NoiseFloor> noise_floor(std::span<const ScoredCase> cases);

}  // namespace foreshard
