#include "runtime/measure/measured_time.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace foreshard {
namespace {

/// A quantile, interpolated between the two nearest samples. @pre sorted
Seconds quantile(const std::vector<Seconds>& sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(at));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

}  // namespace

MeasuredTime measured_time(std::vector<Seconds> samples) {
  std::sort(samples.begin(), samples.end());
  return {.median = quantile(samples, 0.5),
          .spread = (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2.0};
}

}  // namespace foreshard
