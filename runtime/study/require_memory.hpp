#pragma once

#include "planner/units/count.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// @throws std::runtime_error where the ranks of a host need more memory than it has
void require_memory(const MpiSession& session, Bytes bytes_per_rank);

}  // namespace foreshard
