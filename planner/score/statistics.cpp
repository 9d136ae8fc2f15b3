#include "planner/score/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace foreshard {
namespace {

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double quantile(std::span<const double> values, double q) {
  if (values.empty()) throw std::invalid_argument("a quantile needs values");
  if (!(q >= 0.0 && q <= 1.0)) throw std::invalid_argument("a quantile lies from 0 to 1");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

ErrorStatistics error_statistics(std::span<const double> errors) {
  if (errors.empty()) throw std::invalid_argument("error statistics need errors");
  std::vector<double> sizes;
  for (const double error : errors) sizes.push_back(std::abs(error));
  return {.n = errors.size(),
          .mean_abs = mean(sizes),
          .median_abs = quantile(sizes, 0.5),
          .p90_abs = quantile(sizes, 0.9),
          .worst_abs = quantile(sizes, 1.0),
          .bias = mean(errors)};
}

std::vector<double> ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    const double shared = 1.0 + 0.5 * static_cast<double>(first + last);
    for (; first <= last; ++first) result[order[first]] = shared;
  }
  return result;
}

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.size() < 2) {
    throw std::invalid_argument("a rank correlation needs two lists of one length, at least 2");
  }
  const std::vector<double> ranks_a = ranks(a);
  const std::vector<double> ranks_b = ranks(b);
  // Both sides are ranks from 1 to n with shared ties, so both have this mean.
  const double middle = 0.5 * static_cast<double>(a.size() + 1);
  double together = 0.0;
  double squares_a = 0.0;
  double squares_b = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    together += (ranks_a[i] - middle) * (ranks_b[i] - middle);
    squares_a += (ranks_a[i] - middle) * (ranks_a[i] - middle);
    squares_b += (ranks_b[i] - middle) * (ranks_b[i] - middle);
  }
  if (squares_a == 0.0 || squares_b == 0.0) return 0.0;
  return together / std::sqrt(squares_a * squares_b);
}

}  // namespace foreshard
