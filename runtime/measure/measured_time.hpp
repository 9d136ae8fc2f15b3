#pragma once

#include <vector>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Repeated measurements of one thing, in a noisy world.
struct MeasuredTime {
  Seconds median;
  Seconds spread;  ///< half the range of the middle half: (third quartile − first quartile) / 2
};

/// @pre at least one sample
MeasuredTime measured_time(std::vector<Seconds> samples);

}  // namespace foreshard
