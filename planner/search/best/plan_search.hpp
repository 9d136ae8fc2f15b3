#pragma once

#include "planner/search/best/search_request.hpp"
#include "planner/search/best/search_result.hpp"
#include "planner/search/best/search_workers.hpp"

namespace foreshard {

/// Searches the best plans of a job on each site of the request.
/// On a site, first every legal plan of the space gets its floor (PlanFloors), and those whose floor does not fit are
/// left out. The others are estimated in the order of their floors, as long as they could still change what is shown
/// (PlanRace). Estimates are those of `plan`. So the shown plans are the best of the whole space, although few are
/// estimated.
/// @throws CountOverflow if a space has more combinations than 64 bits count
SearchResult search_plans(const SearchRequest& request);

/// The same, by workers other than SearchRequest::threads of this process.
SearchResult search_plans(const SearchRequest& request, SearchWorkers& workers);

}  // namespace foreshard
