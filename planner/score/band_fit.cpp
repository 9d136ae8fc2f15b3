#include "planner/score/band_fit.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "planner/cost/step/error_band.hpp"

namespace foreshard {
namespace {

/// Deviation of the measured from the predicted time, relative to the predicted time, as in the band.
double deviation(const ScoredCase& scored) { return std::abs(scored.measured / scored.predicted - 1.0); }

/// The systematic error for which the case lies on the edge of its band.
double needed(const ScoredCase& scored) {
  const double beyond = deviation(scored) * deviation(scored) - scored.spread * scored.spread;
  return std::sqrt(std::max(0.0, beyond));
}

std::vector<std::string> sources_of(std::span<const ScoredCase> cases) {
  std::vector<std::string> names;
  for (const ScoredCase& scored : cases) {
    if (std::find(names.begin(), names.end(), scored.source) == names.end()) names.push_back(scored.source);
  }
  return names;
}

HeldOutSource hold_out(std::span<const ScoredCase> cases, const std::string& source) {
  std::vector<ScoredCase> own;
  std::vector<ScoredCase> others;
  for (const ScoredCase& scored : cases) (scored.source == source ? own : others).push_back(scored);
  HeldOutSource result{.name = source, .n = own.size()};
  result.systematic = systematic_error(others, kBandShare);
  result.coverage = band_coverage(own, result.systematic);
  return result;
}

}  // namespace

double systematic_error(std::span<const ScoredCase> cases, double share) {
  if (cases.empty()) throw std::invalid_argument("a band needs cases to hold");
  if (!(share >= 0.0 && share <= 1.0)) throw std::invalid_argument("a share lies from 0 to 1");
  std::vector<double> needs;
  std::transform(cases.begin(), cases.end(), std::back_inserter(needs), needed);
  std::sort(needs.begin(), needs.end());
  const auto held = static_cast<std::size_t>(std::ceil(share * static_cast<double>(needs.size())));
  return held == 0 ? 0.0 : needs[held - 1];
}

double band_coverage(std::span<const ScoredCase> cases, double systematic) {
  if (cases.empty()) throw std::invalid_argument("a coverage needs cases");
  const auto held = std::count_if(cases.begin(), cases.end(),
                                  [&](const ScoredCase& scored) { return needed(scored) <= systematic; });
  return static_cast<double>(held) / static_cast<double>(cases.size());
}

BandFit fit_band(std::span<const ScoredCase> cases) {
  BandFit fit;
  fit.systematic = systematic_error(cases, kBandShare);
  fit.coverage = band_coverage(cases, fit.systematic);
  const std::vector<std::string> sources = sources_of(cases);
  if (sources.size() < 2) return fit;
  double held = 0.0;
  for (const std::string& source : sources) {
    fit.held_out.push_back(hold_out(cases, source));
    held += fit.held_out.back().coverage * static_cast<double>(fit.held_out.back().n);
  }
  fit.held_out_coverage = held / static_cast<double>(cases.size());
  return fit;
}

}  // namespace foreshard
