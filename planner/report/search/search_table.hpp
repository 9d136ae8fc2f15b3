#pragma once

#include <optional>
#include <string>

#include "planner/search/best/search_result.hpp"
#include "planner/search/space/search_axis.hpp"

namespace foreshard {

/// The result of a search for people: the best plan in words, the best plans below each other with what each loses to
/// the first, the best with each value of each axis, plans that need less memory, how the plans were decided; for
/// several clusters or sizes, these side by side first.
/// @param by  an axis of which the best plan with each value is listed as well
std::string search_table(const SearchResult& result, std::optional<SearchAxis> by = std::nullopt);

}  // namespace foreshard
