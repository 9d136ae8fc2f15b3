#pragma once

namespace foreshard {

/// The number of standard deviations below which a normal variable lies with probability `p`.
/// @pre 0 < p < 1
double normal_quantile_of(double p);

/// How many standard deviations the largest of `count` normal variables is expected to lie above their mean: the normal
/// quantile of (n − 3/8)/(n + 1/4) (Blom 1958). 0 for fewer than two.
double largest_of_normals(double count);

}  // namespace foreshard
