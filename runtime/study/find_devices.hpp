#pragma once

#include "planner/results/local_devices.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// What jobs can run on here, and why something was not found.
LocalDevices find_devices(const MpiSession& session);

}  // namespace foreshard
