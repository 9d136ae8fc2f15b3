#pragma once

#include <string>

#include "planner/search/comparison.hpp"

namespace foreshard {

/// A comparison for people: what all variants have in common, one column per variant, why some cannot run,
/// and the verdict in words. A step with a star is of a plan that does not fit. Where the columns are more
/// than fit into 100, one table stands below the other. UTF-8, no colour; ends with a newline.
/// @pre there is a variant.
std::string compare_table(const Comparison& comparison);

}  // namespace foreshard
