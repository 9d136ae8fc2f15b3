#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/cost/step/error_band.hpp"
#include "planner/score/scored_case.hpp"

namespace foreshard {

/// How far the measured steps of these cases lie from the predicted ones, as quantiles of measured / predicted − 1.
/// A source weighs as the square root of the number of its cases: between run by run and source by source, by both of
/// which a band is judged. A case whose band is w times as wide counts with 1/w of
/// its distance from the median.
/// @throws std::invalid_argument if there are no cases
Deviations fit_deviations(std::span<const ScoredCase> cases);

/// The same around runs of one's own: each case is corrected as --like-run does, by the median of three others of its
/// source and accelerator, those with other plans that stand nearest in the list. Cases without three such are left
/// out; none if all are. Every system, a source's runs on one accelerator, weighs the same.
struct OwnRunsFit {
  Deviations deviations{};
  std::size_t n = 0;       ///< cases
  double before = 0.0;     ///< mean absolute error of the predictions
  double corrected = 0.0;  ///< of the corrected ones
};
std::optional<OwnRunsFit> fit_own_runs(std::span<const ScoredCase> cases);

/// The share of the cases that lie in the bands of these deviations. @throws std::invalid_argument if there are no cases
double band_coverage(std::span<const ScoredCase> cases, const Deviations& deviations);

/// A source and how many of its cases lie in the bands that were fitted to all other sources.
struct HeldOutSource {
  std::string name;
  std::size_t n = 0;
  Deviations others{};    ///< fitted to the other sources
  double coverage = 0.0;  ///< of this source
};

/// The bands that measured cases ask for, and how well such bands hold for a source that was left out.
struct BandFit {
  Deviations deviations{};
  double coverage = 0.0;                    ///< of all cases
  std::vector<HeldOutSource> held_out;      ///< empty with fewer than two sources
  std::optional<double> held_out_coverage;  ///< of all cases, each with the bands fitted without its source
  std::optional<double> held_out_per_source{};  ///< the mean of the sources' shares
  std::optional<OwnRunsFit> own_runs{};
};

/// @throws std::invalid_argument if there are no cases
BandFit fit_band(std::span<const ScoredCase> cases);

}  // namespace foreshard
