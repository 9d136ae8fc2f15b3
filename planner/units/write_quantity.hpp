#pragma once

#include <cstdint>
#include <string>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// The quantity as parse_quantity reads it, with nothing lost: parsing gives back the very same value. Uses
/// the largest unit in which the number is at least 1 and comes back exactly. For the types of
/// parse_quantity.
/// @pre the value lies in the range that parse_quantity accepts.
template <Dimensional Q>
std::string write_quantity(Q quantity);

}  // namespace foreshard
