#include "planner/fit/measured_time.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace foreshard {
Seconds quantile_of(const std::vector<Seconds>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(at));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

MeasuredTime measured_time(std::vector<Seconds> samples) {
  std::sort(samples.begin(), samples.end());
  return {.median = quantile_of(samples, 0.5),
          .spread = (quantile_of(samples, 0.75) - quantile_of(samples, 0.25)) / 2.0};
}

}  // namespace foreshard
