#pragma once

#include <cstdint>
#include <string>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// Writes a quantity such that parse_quantity returns exactly the same value. Uses the largest unit in which
/// the number is at least 1 and is read back exactly. Defined for the types of parse_quantity.
/// @pre the value lies in the range that parse_quantity accepts.
template <Dimensional Q>
std::string write_quantity(Q quantity);

}  // namespace foreshard
