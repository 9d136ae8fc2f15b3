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

/// Statistics over the cases of one source.
struct SourceScore {
  std::string name;
  ErrorStatistics step;
  double coverage = 0.0;  ///< share of cases whose measured step time lies in the predicted band
  std::array<std::optional<ErrorStatistics>, kMemoryKindCount> memory;  ///< by MemoryKind; none if unmeasured
  std::optional<Ranking> ranking;                                       ///< none without a group of plans
};

/// Predictions compared with measurements: every case, and statistics.
struct Score {
  std::vector<ScoredCase> cases;
  std::vector<SourceScore> sources;  ///< in the order of their first cases
  SourceScore all;                   ///< its name is "all"
  std::optional<BandFit> band;       ///< only if it was asked for
};

/// @throws std::invalid_argument if there are no cases
SourceScore score_source(std::string name, std::span<const ScoredCase> cases);

/// @throws std::invalid_argument if there are no cases
Score score(std::vector<ScoredCase> cases);

/// The `number` cases with the largest errors of step time, the worst first; equal ones keep their order.
std::vector<ScoredCase> worst_cases(std::vector<ScoredCase> cases, std::size_t number);

}  // namespace foreshard
