#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/score/band_fit.hpp"
#include "planner/score/plan_groups.hpp"
#include "planner/score/scored_case.hpp"
#include "planner/score/statistics.hpp"

namespace foreshard {

inline constexpr std::size_t kMemoryKindCount = 3;

/// What the cases of one source say together.
struct SourceScore {
  std::string name;
  ErrorStatistics step;
  double coverage = 0.0;  ///< share of cases whose measured step time lies in the predicted band
  std::array<std::optional<ErrorStatistics>, kMemoryKindCount> memory;  ///< by MemoryKind; none unmeasured
  std::optional<Ranking> ranking;                                       ///< none without a group of plans
};

/// Predicted against measured, case by case and together.
struct Score {
  std::vector<ScoredCase> cases;
  std::vector<SourceScore> sources;  ///< in the order in which their first cases stand
  SourceScore all;                   ///< its name is "all"
  std::optional<BandFit> band;       ///< where it was asked for
};

/// @throws std::invalid_argument if there are no cases
SourceScore score_source(std::string name, std::span<const ScoredCase> cases);

/// @throws std::invalid_argument if there are no cases
Score score(std::vector<ScoredCase> cases);

/// The `number` cases whose step times are furthest off, the worst first; of equals the first first.
std::vector<ScoredCase> worst_cases(std::vector<ScoredCase> cases, std::size_t number);

}  // namespace foreshard
