#pragma once

#include <string>
#include <vector>

#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// What a comparison comes to, in words; each sentence or two is one string, unwrapped:
///   the winner, its lead and how likely it is ahead, or what comes nearest where nothing fits;
///   where the runner-up loses, and what it wins back, by the difference of their breakdowns;
///   the cheapest, where that is another; prices at which clusters break even; how nodes scale;
///   why those that do not fit do not, and what would make them.
std::vector<std::string> compare_verdict(const Comparison& comparison);

}  // namespace foreshard::report
