#include "planner/spec/types/normal_quantile.hpp"

#include <cmath>
#include <numbers>

namespace foreshard {

double normal_quantile_of(double p) {
  double low = -10.0;
  double high = 10.0;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2.0;
    (0.5 * std::erfc(-middle / std::numbers::sqrt2) < p ? low : high) = middle;
  }
  return (low + high) / 2.0;
}

double largest_of_normals(double count) {
  return count < 2.0 ? 0.0 : normal_quantile_of((count - 0.375) / (count + 0.25));
}

}  // namespace foreshard
