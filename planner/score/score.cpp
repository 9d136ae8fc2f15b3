#include "planner/score/score.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace foreshard {
namespace {

std::optional<ErrorStatistics> memory_statistics(std::span<const ScoredCase> cases, MemoryKind kind) {
  std::vector<double> errors;
  for (const ScoredCase& scored : cases) {
    if (scored.memory && scored.memory->kind == kind) errors.push_back(scored.memory->error);
  }
  if (errors.empty()) return std::nullopt;
  return error_statistics(errors);
}

}  // namespace

SourceScore score_source(std::string name, std::span<const ScoredCase> cases) {
  std::vector<double> errors;
  for (const ScoredCase& scored : cases) errors.push_back(scored.error);
  const auto covered =
      std::count_if(cases.begin(), cases.end(), [](const ScoredCase& scored) { return scored.in_band(); });
  SourceScore source;
  source.name = std::move(name);
  source.step = error_statistics(errors);
  source.coverage = static_cast<double>(covered) / static_cast<double>(cases.size());
  for (std::size_t kind = 0; kind < kMemoryKindCount; ++kind) {
    source.memory[kind] = memory_statistics(cases, static_cast<MemoryKind>(kind));
  }
  source.ranking = rank_groups(cases);
  return source;
}

Score score(std::vector<ScoredCase> cases) {
  Score result;
  std::vector<std::string> names;
  for (const ScoredCase& scored : cases) {
    if (std::find(names.begin(), names.end(), scored.source) == names.end()) names.push_back(scored.source);
  }
  for (const std::string& name : names) {
    std::vector<ScoredCase> own;
    std::copy_if(cases.begin(), cases.end(), std::back_inserter(own),
                 [&](const ScoredCase& scored) { return scored.source == name; });
    result.sources.push_back(score_source(name, own));
  }
  result.all = score_source("all", cases);
  result.cases = std::move(cases);
  return result;
}

std::vector<ScoredCase> worst_cases(std::vector<ScoredCase> cases, std::size_t number) {
  std::stable_sort(cases.begin(), cases.end(), [](const ScoredCase& a, const ScoredCase& b) {
    return std::abs(a.error) > std::abs(b.error);
  });
  cases.resize(std::min(number, cases.size()));
  return cases;
}

}  // namespace foreshard
