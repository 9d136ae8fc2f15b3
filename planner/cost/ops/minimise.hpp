#pragma once

#include <functional>
#include <vector>

namespace foreshard {

/// A coordinate of a search: its start, its first step, and its bounds.
struct Coordinate {
  double start = 0.0;
  double step = 0.0;
  double least = 0.0;
  double most = 0.0;
};

/// Finds the point with the lowest `cost` by the downhill simplex of Nelder and Mead (1965), restarted from
/// its best point a fixed number of times. Deterministic. Points outside the bounds are moved onto them.
std::vector<double> minimise(const std::vector<Coordinate>& space,
                             const std::function<double(const std::vector<double>&)>& cost);

/// Rounds to `digits` significant digits, as fitted values are written to files.
double rounded(double value, int digits);

/// Significant digits of a fitted constant in files: measurements are not more precise.
inline constexpr int kFittedDigits = 4;

}  // namespace foreshard
