#pragma once

#include <vector>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// The median and the spread of repeated measurements.
struct MeasuredTime {
  Seconds median;
  Seconds spread;  ///< half the interquartile range: (third quartile − first quartile) / 2
};

/// A quantile, interpolated between the two nearest samples. @pre at least one; sorted
Seconds quantile_of(const std::vector<Seconds>& sorted, double share);

/// @pre at least one sample
MeasuredTime measured_time(std::vector<Seconds> samples);

}  // namespace foreshard
