#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/score/scored_case.hpp"

namespace foreshard {

/// The smallest systematic error for which bands of half-width √(spread² + systematic²) contain at least
/// `share` of the cases: an order statistic of the errors that the cases need. 0 if the kernels' spread is
/// enough.
/// Example: the cases need 0, 1%, 2%, 4% and 9%; for a share of 0.8 the result is 4%.
/// @throws std::invalid_argument if there are no cases or share lies outside 0 … 1
double systematic_error(std::span<const ScoredCase> cases, double share);

/// The share of the cases that lie in such bands. @throws std::invalid_argument if there are no cases
double band_coverage(std::span<const ScoredCase> cases, double systematic);

/// A source and how many of its cases lie in the band that was fitted to all other sources.
struct HeldOutSource {
  std::string name;
  std::size_t n = 0;
  double systematic = 0.0;  ///< fitted to the other sources
  double coverage = 0.0;    ///< of this source, with that error
};

/// The systematic error fitted to measured cases, and how well it holds for a source that was left out of the
/// fit.
struct BandFit {
  double systematic = 0.0;
  double coverage = 0.0;
  std::vector<HeldOutSource> held_out;      ///< empty with fewer than two sources
  std::optional<double> held_out_coverage;  ///< of all cases, each with the band fitted without its source
};

/// Fits the band so that it contains kBandShare of the cases. @throws std::invalid_argument if there are no
/// cases
BandFit fit_band(std::span<const ScoredCase> cases);

}  // namespace foreshard
