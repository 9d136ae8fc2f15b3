#pragma once

#include <string>
#include <vector>

#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// The conclusion of a comparison in words. Each string has one or two sentences and is not wrapped:
///   the winner, its lead and how likely it is ahead; if nothing fits, the variant that comes nearest;
///   where the runner-up loses time and where it wins some back, by the difference of their breakdowns;
///   the cheapest variant, if it is another one; prices at which clusters break even; how nodes scale;
///   why variants do not fit, and what would make them fit.
std::vector<std::string> compare_verdict(const Comparison& comparison);

}  // namespace foreshard::report
