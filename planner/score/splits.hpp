#pragma once

#include <span>
#include <string>
#include <vector>

#include "planner/score/scored_case.hpp"
#include "planner/score/statistics.hpp"

namespace foreshard {

/// Statistics over the cases that have one trait in common.
struct SplitScore {
  std::string trait;  ///< "experts", "precision", "accelerator", "framework" or "left out"
  std::string value;  ///< as in "fp8"
  ErrorStatistics step;
  double coverage = 0.0;  ///< share of the cases that lie in their predicted bands
};

/// The cases split by experts, precision, accelerator, framework, and by whether they did something that no key
/// expresses; each in the order of their first cases. A trait that all cases share is left out.
std::vector<SplitScore> split_cases(std::span<const ScoredCase> cases);

}  // namespace foreshard
