#pragma once

#include <string>
#include <string_view>

#include "planner/search/best/site_work.hpp"

namespace foreshard {

// A bounded part of a space on its way between the ranks of a search.

std::string to_bytes(const SpacePart& part);
/// @throws std::runtime_error if the bytes are not those of a part
SpacePart part_of_bytes(std::string_view bytes);

}  // namespace foreshard
