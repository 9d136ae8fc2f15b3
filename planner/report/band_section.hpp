#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "planner/score/band_fit.hpp"

namespace foreshard::report {

/// Most columns that the name of a source is printed in.
inline constexpr std::size_t kWidestSource = 20;

/// Describes the error band that the measured cases need.
std::vector<std::string> band_words(const BandFit& fit);

/// A table of the quantiles that the measured cases have, beside those that foreshard's bands are made of.
std::vector<std::string> deviation_table(const BandFit& fit);

/// A table of the sources, each with the band fitted to the others; empty if no source was held out.
std::vector<std::string> band_table(const BandFit& fit);

}  // namespace foreshard::report
