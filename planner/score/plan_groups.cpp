#include "planner/score/plan_groups.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "planner/score/statistics.hpp"

namespace foreshard {
namespace {

double rank_correlation_of(std::span<const ScoredCase> cases, const std::vector<std::size_t>& group) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const std::size_t i : group) {
    predicted.push_back(cases[i].predicted.value());
    measured.push_back(cases[i].measured.value());
  }
  return rank_correlation(predicted, measured);
}

double regret_of(std::span<const ScoredCase> cases, const std::vector<std::size_t>& group) {
  const auto chosen = std::min_element(group.begin(), group.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(cases[a].predicted, -cases[a].measured) <
           std::pair(cases[b].predicted, -cases[b].measured);
  });
  const auto best = std::min_element(group.begin(), group.end(), [&](std::size_t a, std::size_t b) {
    return cases[a].measured < cases[b].measured;
  });
  return cases[*chosen].measured / cases[*best].measured - 1.0;
}

}  // namespace

std::vector<PlanGroup> group_plans(std::span<const ScoredCase> cases) {
  std::map<std::pair<std::string, Question>, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    alike[{cases[i].source, cases[i].question}].push_back(i);
  }
  std::vector<PlanGroup> groups;
  for (auto& [key, members] : alike) {
    if (members.size() < kLeastPlans) continue;
    groups.push_back({.cases = members,
                      .rank_correlation = rank_correlation_of(cases, members),
                      .regret = regret_of(cases, members)});
  }
  std::sort(groups.begin(), groups.end(),
            [](const PlanGroup& a, const PlanGroup& b) { return a.cases.front() < b.cases.front(); });
  return groups;
}

std::optional<Ranking> rank_groups(std::span<const ScoredCase> cases) {
  const std::vector<PlanGroup> groups = group_plans(cases);
  if (groups.empty()) return std::nullopt;
  Ranking ranking{.groups = groups.size()};
  const double share = 1.0 / static_cast<double>(groups.size());
  for (const PlanGroup& group : groups) {
    ranking.rank_correlation += share * group.rank_correlation;
    ranking.regret += share * group.regret;
  }
  return ranking;
}

}  // namespace foreshard
