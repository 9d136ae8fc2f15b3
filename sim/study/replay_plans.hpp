#pragma once

#include <cstddef>

#include "planner/search/best/search_result.hpp"

namespace foreshard {

/// Simulates the first `count` plans of the best site and notes their steps (FoundPlan::replayed).
void replay_best(SearchResult& result, std::size_t count, std::size_t threads);

}  // namespace foreshard
