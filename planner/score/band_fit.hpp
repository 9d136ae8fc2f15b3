#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/score/scored_case.hpp"

namespace foreshard {

/// The least systematic error with which bands of half-width √(spread² + systematic²) hold at least `share`
/// of the cases: an order statistic of what each of them needs. 0 where the kernels' spread does.
/// @throws std::invalid_argument if there are no cases or share lies outside 0 … 1
double systematic_error(std::span<const ScoredCase> cases, double share);

/// The share of the cases that lie in such a band. @throws std::invalid_argument if there are no cases
double band_coverage(std::span<const ScoredCase> cases, double systematic);

/// A source measured by the band that the other sources ask for.
struct HeldOutSource {
  std::string name;
  std::size_t n = 0;
  double systematic = 0.0;  ///< of the others
  double coverage = 0.0;    ///< of this one, with it
};

/// The systematic error that measured cases ask for, and how well it carries over to a source that had no
/// say in it.
struct BandFit {
  double systematic = 0.0;
  double coverage = 0.0;
  std::vector<HeldOutSource> held_out;      ///< empty with fewer than two sources
  std::optional<double> held_out_coverage;  ///< of all cases, each by its source's held-out band
};

/// For bands that hold kBandShare of the cases. @throws std::invalid_argument if there are no cases
BandFit fit_band(std::span<const ScoredCase> cases);

}  // namespace foreshard
