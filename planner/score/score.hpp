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
#include "planner/score/splits.hpp"
#include "planner/score/statistics.hpp"

namespace foreshard {

inline constexpr std::size_t kMemoryKindCount = 3;

/// How often the plan said rightly whether a job runs.
struct VerdictCounts {
  std::size_t n = 0;
  std::size_t right = 0;
  std::size_t ran_but_refused = 0;  ///< it ran, and the plan says that it does not
  std::size_t oom_but_allowed = 0;  ///< it ran out of memory, and the plan says that it runs
  std::size_t close = 0;            ///< of all: the capacity lies within the band of what is uncertain
};

/// Errors of peak memory of one kind: of all jobs, of those of which every fact is known, and of the others.
struct MemoryErrors {
  ErrorStatistics all;
  std::optional<ErrorStatistics> known{};
  std::optional<ErrorStatistics> assumed{};
};

/// Statistics over the cases of one source.
struct SourceScore {
  std::string name;
  ErrorStatistics step;   ///< n is 0 if no step time was measured
  double coverage = 0.0;  ///< share of cases whose measured step time lies in the predicted band
  std::array<std::optional<MemoryErrors>, kMemoryKindCount> memory;  ///< by MemoryKind; none if unmeasured
  std::optional<VerdictCounts> verdicts;                             ///< none if no outcome is known
  std::optional<Ranking> ranking;                                    ///< none without a group of plans
};

/// Predictions compared with measurements: every case, and statistics.
struct Score {
  std::vector<ScoredCase> cases;
  std::vector<ScoredRun> runs;         ///< jobs whose step time was not measured
  std::vector<ScoredCase> not_judged;  ///< runs that no key expresses: in no statistics
  std::vector<SourceScore> sources;    ///< in the order of their first cases
  SourceScore all;                     ///< its name is "all"
  std::vector<SplitScore> splits;      ///< of the judged cases
  std::optional<NoiseFloor> noise;     ///< none if no job was measured twice
  std::optional<BandFit> band;         ///< only if it was asked for
};

/// @throws std::invalid_argument if there are neither cases nor runs
SourceScore score_source(std::string name, std::span<const ScoredCase> cases,
                         std::span<const ScoredRun> runs = {});

/// Cases that say why they are not judged are in no statistics.
/// @throws std::invalid_argument if there are neither cases nor runs
Score score(std::vector<ScoredCase> cases, std::vector<ScoredRun> runs = {});

/// The first `number` runs of which the plan says wrongly whether they run.
std::vector<ScoredRun> wrong_runs(std::vector<ScoredRun> runs, std::size_t number);

/// The `number` cases with the largest errors of step time, the worst first; equal ones keep their order.
std::vector<ScoredCase> worst_cases(std::vector<ScoredCase> cases, std::size_t number);

}  // namespace foreshard
