#pragma once

#include <string>
#include <string_view>

#include "planner/search/best/site_work.hpp"

namespace foreshard {

// A closely bounded and an estimated plan on their way between the ranks of a search.

std::string to_bytes(const CloseFloor& floor);
/// @throws std::runtime_error if the bytes are not those of a floor
CloseFloor close_floor_of_bytes(std::string_view bytes);

std::string to_bytes(const EstimatedPlan& plan);
/// @throws std::runtime_error if the bytes are not those of a plan
EstimatedPlan plan_of_bytes(std::string_view bytes);

}  // namespace foreshard
