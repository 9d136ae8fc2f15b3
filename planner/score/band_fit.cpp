#include "planner/score/band_fit.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "planner/score/statistics.hpp"

namespace foreshard {
namespace {

/// So many runs of the same system correct another.
constexpr std::size_t kOwnRuns = 3;

double deviation(const ScoredCase& scored) { return scored.measured / scored.predicted - 1.0; }

/// A deviation, the width of its band, and the weight of its case.
struct Weighted {
  double deviation = 0.0;
  double width = 1.0;
  double weight = 1.0;
};

std::vector<std::string> sources_of(std::span<const ScoredCase> cases) {
  std::vector<std::string> names;
  for (const ScoredCase& scored : cases) {
    if (std::find(names.begin(), names.end(), scored.source) == names.end()) names.push_back(scored.source);
  }
  return names;
}

/// The q-quantile of weighted values: each stands at the middle of its share of the weight, linear in between.
double weighted_quantile(std::vector<Weighted> values, double q) {
  std::sort(values.begin(), values.end(),
            [](const Weighted& a, const Weighted& b) { return a.deviation < b.deviation; });
  double all = 0.0;
  for (const Weighted& value : values) all += value.weight;
  double below = 0.0;
  double place_before = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double place = (below + 0.5 * values[i].weight) / all;
    if (place >= q) {
      if (i == 0) return values[i].deviation;
      const double part = (q - place_before) / (place - place_before);
      return values[i - 1].deviation + part * (values[i].deviation - values[i - 1].deviation);
    }
    below += values[i].weight;
    place_before = place;
  }
  return values.back().deviation;
}

Deviations quantiles_of(std::vector<Weighted> values) {
  Deviations fit{.median = weighted_quantile(values, 0.5)};
  for (Weighted& value : values) value.deviation = fit.median + (value.deviation - fit.median) / value.width;
  const double outside = 0.5 * (1.0 - kBandShare);
  fit.tenth = weighted_quantile(values, outside);
  fit.quarter = weighted_quantile(values, 0.25);
  fit.three_quarters = weighted_quantile(values, 0.75);
  fit.nine_tenths = weighted_quantile(values, 1.0 - outside);
  return fit;
}

std::map<std::string, std::size_t> sizes_of(std::span<const ScoredCase> cases) {
  std::map<std::string, std::size_t> sizes;
  for (const ScoredCase& scored : cases) ++sizes[scored.source];
  return sizes;
}

bool lies_within(const ScoredCase& scored, const Deviations& deviations) {
  const Deviations band = widened(deviations, scored.width);
  return band.tenth <= deviation(scored) && deviation(scored) <= band.nine_tenths;
}

HeldOutSource hold_out(std::span<const ScoredCase> cases, const std::string& source) {
  std::vector<ScoredCase> own;
  std::vector<ScoredCase> others;
  for (const ScoredCase& scored : cases) (scored.source == source ? own : others).push_back(scored);
  HeldOutSource result{.name = source, .n = own.size()};
  result.others = fit_deviations(others);
  result.coverage = band_coverage(own, result.others);
  return result;
}

/// The median deviation of the three cases that stand nearest in the list and have another plan: what somebody who
/// asks for this case has measured before. None if there are not three.
std::optional<double> median_of_three_others(const std::vector<const ScoredCase*>& own, std::size_t i) {
  std::vector<std::size_t> others;
  for (std::size_t k = 0; k < own.size(); ++k)
    if (own[k]->plan != own[i]->plan || own[k]->question != own[i]->question) others.push_back(k);
  if (others.size() < kOwnRuns) return std::nullopt;
  const auto distance = [&](std::size_t k) { return k > i ? k - i : i - k; };
  std::stable_sort(others.begin(), others.end(),
                   [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
  std::vector<double> three;
  for (std::size_t k = 0; k < kOwnRuns; ++k) three.push_back(deviation(*own[others[k]]));
  return quantile(three, 0.5);
}

/// The cases by source and accelerator.
std::vector<std::vector<const ScoredCase*>> systems_of(std::span<const ScoredCase> cases) {
  std::map<std::pair<std::string, std::string>, std::vector<const ScoredCase*>> systems;
  for (const ScoredCase& scored : cases)
    systems[{scored.source, scored.traits.accelerator}].push_back(&scored);
  std::vector<std::vector<const ScoredCase*>> lists;
  for (auto& [system, list] : systems) lists.push_back(std::move(list));
  return lists;
}

}  // namespace

Deviations fit_deviations(std::span<const ScoredCase> cases) {
  if (cases.empty()) throw std::invalid_argument("a band needs cases to hold");
  const std::map<std::string, std::size_t> sizes = sizes_of(cases);
  std::vector<Weighted> values;
  for (const ScoredCase& scored : cases)
    values.push_back(
        {deviation(scored), scored.width, 1.0 / std::sqrt(static_cast<double>(sizes.at(scored.source)))});
  return quantiles_of(std::move(values));
}

std::optional<OwnRunsFit> fit_own_runs(std::span<const ScoredCase> cases) {
  OwnRunsFit fit;
  std::vector<Weighted> values;
  for (const std::vector<const ScoredCase*>& own : systems_of(cases)) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      const std::optional<double> median = median_of_three_others(own, i);
      if (!median) continue;
      const double left = (1.0 + deviation(*own[i])) / (1.0 + *median) - 1.0;
      values.push_back({left, own[i]->width, 1.0 / static_cast<double>(own.size())});
      fit.before += std::abs(own[i]->error);
      fit.corrected += std::abs(1.0 / (1.0 + left) - 1.0);
      ++fit.n;
    }
  }
  if (fit.n == 0) return std::nullopt;
  fit.before /= static_cast<double>(fit.n);
  fit.corrected /= static_cast<double>(fit.n);
  fit.deviations = quantiles_of(std::move(values));
  return fit;
}

double band_coverage(std::span<const ScoredCase> cases, const Deviations& deviations) {
  if (cases.empty()) throw std::invalid_argument("a coverage needs cases");
  const auto held = std::count_if(cases.begin(), cases.end(),
                                  [&](const ScoredCase& scored) { return lies_within(scored, deviations); });
  return static_cast<double>(held) / static_cast<double>(cases.size());
}

BandFit fit_band(std::span<const ScoredCase> cases) {
  BandFit fit;
  fit.deviations = fit_deviations(cases);
  fit.coverage = band_coverage(cases, fit.deviations);
  fit.own_runs = fit_own_runs(cases);
  const std::vector<std::string> sources = sources_of(cases);
  if (sources.size() < 2) return fit;
  double held = 0.0;
  double shares = 0.0;
  for (const std::string& source : sources) {
    fit.held_out.push_back(hold_out(cases, source));
    held += fit.held_out.back().coverage * static_cast<double>(fit.held_out.back().n);
    shares += fit.held_out.back().coverage;
  }
  fit.held_out_coverage = held / static_cast<double>(cases.size());
  fit.held_out_per_source = shares / static_cast<double>(sources.size());
  return fit;
}

}  // namespace foreshard
