#pragma once

#include "planner/units/count.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Checks that the host has enough memory for its ranks.
/// @throws std::runtime_error if the ranks of a host need more memory than it has
void require_memory(const MpiSession& session, Bytes bytes_per_rank);

}  // namespace foreshard
