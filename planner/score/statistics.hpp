#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace foreshard {

/// Errors of a set of predictions. All are fractions: 0.05 is 5%.
struct ErrorStatistics {
  std::size_t n = 0;
  double mean_abs = 0.0;
  double median_abs = 0.0;
  double p90_abs = 0.0;  ///< 90% quantile of the absolute errors, by quantile()
  double worst_abs = 0.0;
  double bias = 0.0;  ///< mean of the signed errors: below 0, predictions are too small
};

/// Statistics of signed errors predicted/measured − 1. @throws std::invalid_argument if there are none.
ErrorStatistics error_statistics(std::span<const double> errors);

/// The q-quantile, 0 ≤ q ≤ 1, linear between order statistics: with x₀ ≤ … ≤ xₙ₋₁ and h = q·(n − 1), it is
/// x_⌊h⌋ + (h − ⌊h⌋)·(x_⌊h⌋₊₁ − x_⌊h⌋). Source: Hyndman and Fan 1996, definition 7.
/// @throws std::invalid_argument if there are no values or q is outside.
double quantile(std::span<const double> values, double q);

/// Ranks from 1, the smallest first; equal values share the mean of their ranks.
std::vector<double> ranks(std::span<const double> values);

/// Spearman's rank correlation: Pearson's correlation of the ranks, from −1 to 1. It is 1 if both sides have
/// the same order, and 0 if all values of one side are equal, because they have no order.
/// @throws std::invalid_argument unless both have the same number of values, at least two.
double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace foreshard
