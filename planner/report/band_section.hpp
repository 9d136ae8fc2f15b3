#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "planner/score/band_fit.hpp"

namespace foreshard::report {

/// The name of a source is never printed wider.
inline constexpr std::size_t kWidestSource = 20;

/// What measured cases say about the error band, in words.
std::vector<std::string> band_words(const BandFit& fit);

/// Each source by the band that the others ask for; nothing where no source was held out.
std::vector<std::string> band_table(const BandFit& fit);

}  // namespace foreshard::report
