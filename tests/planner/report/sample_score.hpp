#pragma once

#include <utility>
#include <vector>

#include "planner/score/score.hpp"
#include "tests/planner/score/sample_cases.hpp"

/// A score of cases filled by hand.
namespace foreshard {

/// Two cases of a paper, one of them with allocated memory, and one case of a blog, which does not say what
/// kind of memory it measured.
inline std::vector<ScoredCase> sample_cases() {
  // −20% within ±25%, and +50% that is not within ±12.5%.
  ScoredCase first = sample_case({.name = "first", .predicted = 8.0, .measured = 10.0, .spread = 0.25});
  first.memory = ScoredMemory{.kind = MemoryKind::allocated,
                              .predicted = Bytes(std::int64_t{44} << 30),
                              .measured = Bytes(std::int64_t{40} << 30),
                              .error = 0.1};
  ScoredCase second = sample_case({.name = "second", .predicted = 0.75, .measured = 0.5, .spread = 0.125});
  ScoredCase third =
      sample_case({.name = "third", .source = "blog", .predicted = 96.0, .measured = 100.0, .spread = 0.125});
  third.memory = ScoredMemory{.kind = MemoryKind::other,
                              .predicted = Bytes(std::int64_t{15} << 30),
                              .measured = Bytes(std::int64_t{20} << 30),
                              .error = -0.25};
  return {std::move(first), std::move(second), std::move(third)};
}

}  // namespace foreshard
