#pragma once

#include <cstddef>

#include "planner/search/best/search_request.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Does what rank 0 hands out (RankWorkers), until the search is over. Returns the exit code of the run.
/// @pre rank 0 has the same request, and this rank is another one
int serve_search(const MpiSession& session, const SearchRequest& request, std::size_t threads);

}  // namespace foreshard
