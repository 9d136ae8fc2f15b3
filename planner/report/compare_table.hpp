#pragma once

#include <string>

#include "planner/search/comparison.hpp"

namespace foreshard {

/// A comparison for people: what all variants have in common, one column per variant, why some cannot run,
/// and the verdict in words. A star marks the step of a plan that does not fit. If the variants do not fit
/// into 100 columns, several tables are printed one below the other. UTF-8, no colour; ends with a newline.
/// @pre there is a variant.
std::string compare_table(const Comparison& comparison);

}  // namespace foreshard
