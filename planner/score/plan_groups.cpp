#include "planner/score/plan_groups.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "planner/score/statistics.hpp"

namespace foreshard {
namespace {

double median_of(std::span<const ScoredCase> cases, const std::vector<std::size_t>& members,
                 Seconds ScoredCase::*time) {
  std::vector<double> values;
  for (const std::size_t i : members) values.push_back((cases[i].*time).value());
  return quantile(values, 0.5);
}

/// The cases that answer one question, by what their plans do.
using Alike = std::map<std::string, std::vector<std::size_t>>;

std::vector<MeasuredPlan> plans_of(std::span<const ScoredCase> cases, const Alike& alike) {
  std::vector<MeasuredPlan> plans;
  for (const auto& [words, members] : alike) {
    plans.push_back({.cases = members,
                     .predicted = Seconds(median_of(cases, members, &ScoredCase::predicted)),
                     .measured = Seconds(median_of(cases, members, &ScoredCase::measured))});
  }
  std::sort(plans.begin(), plans.end(),
            [](const MeasuredPlan& a, const MeasuredPlan& b) { return a.cases.front() < b.cases.front(); });
  return plans;
}

double rank_correlation_of(const std::vector<MeasuredPlan>& plans) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const MeasuredPlan& plan : plans) {
    predicted.push_back(plan.predicted.value());
    measured.push_back(plan.measured.value());
  }
  return rank_correlation(predicted, measured);
}

double regret_of(const std::vector<MeasuredPlan>& plans) {
  const auto chosen =
      std::min_element(plans.begin(), plans.end(), [](const MeasuredPlan& a, const MeasuredPlan& b) {
        return std::pair(a.predicted, -a.measured) < std::pair(b.predicted, -b.measured);
      });
  const auto best =
      std::min_element(plans.begin(), plans.end(),
                       [](const MeasuredPlan& a, const MeasuredPlan& b) { return a.measured < b.measured; });
  return chosen->measured / best->measured - 1.0;
}

void count_pairs(PlanGroup& group) {
  for (const MeasuredPlan& slow : group.plans) {
    for (const MeasuredPlan& fast : group.plans) {
      if (slow.measured / fast.measured - 1.0 <= kClearlySlower) continue;
      ++group.clear_pairs;
      if (slow.predicted > fast.predicted) ++group.right_pairs;
    }
  }
}

}  // namespace

std::vector<PlanGroup> group_plans(std::span<const ScoredCase> cases) {
  std::map<std::pair<std::string, Question>, Alike> questions;
  for (std::size_t i = 0; i < cases.size(); ++i)
    questions[{cases[i].source, cases[i].question}][cases[i].plan].push_back(i);
  std::vector<PlanGroup> groups;
  for (const auto& [question, alike] : questions) {
    if (alike.size() < 2) continue;
    PlanGroup& group = groups.emplace_back();
    group.plans = plans_of(cases, alike);
    group.rank_correlation = rank_correlation_of(group.plans);
    group.regret = regret_of(group.plans);
    count_pairs(group);
  }
  std::sort(groups.begin(), groups.end(), [](const PlanGroup& a, const PlanGroup& b) {
    return a.plans.front().cases.front() < b.plans.front().cases.front();
  });
  return groups;
}

std::optional<Ranking> rank_groups(std::span<const ScoredCase> cases) {
  const std::vector<PlanGroup> groups = group_plans(cases);
  if (groups.empty()) return std::nullopt;
  Ranking ranking;
  for (const PlanGroup& group : groups) {
    ranking.clear_pairs += group.clear_pairs;
    ranking.right_pairs += group.right_pairs;
    if (group.plans.size() < kLeastPlans) continue;
    ++ranking.groups;
    ranking.rank_correlation += group.rank_correlation;
    ranking.regret += group.regret;
  }
  if (ranking.groups == 0 && ranking.clear_pairs == 0) return std::nullopt;
  if (ranking.groups > 0) {
    ranking.rank_correlation /= static_cast<double>(ranking.groups);
    ranking.regret /= static_cast<double>(ranking.groups);
  }
  return ranking;
}

std::optional<NoiseFloor> noise_floor(std::span<const ScoredCase> cases) {
  std::map<std::pair<Question, std::string>, std::vector<std::size_t>> jobs;
  for (std::size_t i = 0; i < cases.size(); ++i) jobs[{cases[i].question, cases[i].plan}].push_back(i);
  NoiseFloor floor;
  for (const auto& [job, members] : jobs) {
    if (members.size() < 2) continue;
    ++floor.jobs;
    const double median = median_of(cases, members, &ScoredCase::measured);
    for (const std::size_t i : members) {
      floor.mean_abs += std::abs(cases[i].measured.value() / median - 1.0);
      ++floor.cases;
    }
  }
  if (floor.jobs == 0) return std::nullopt;
  floor.mean_abs /= static_cast<double>(floor.cases);
  return floor;
}

}  // namespace foreshard
