#pragma once

#include <functional>
#include <vector>

namespace foreshard {

/// A coordinate of a search: where it begins, how wide its first step is, and between what it stays.
struct Coordinate {
  double start = 0.0;
  double step = 0.0;
  double least = 0.0;
  double most = 0.0;
};

/// The point at which `cost` is least, by the downhill simplex of Nelder and Mead (1965), begun again from
/// its best point a fixed number of times. Deterministic. Points outside the bounds are moved onto them.
std::vector<double> minimise(const std::vector<Coordinate>& space,
                             const std::function<double(const std::vector<double>&)>& cost);

/// Rounded to `digits` significant digits, as files show what was found.
double rounded(double value, int digits);

/// Significant digits that a fitted constant is written with: measurements are not better than that.
inline constexpr int kFittedDigits = 4;

}  // namespace foreshard
