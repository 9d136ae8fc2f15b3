#pragma once

#include "planner/results/local_devices.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Finds what jobs can run on in this machine, and the reason if no GPU was found.
LocalDevices find_devices(const MpiSession& session);

}  // namespace foreshard
