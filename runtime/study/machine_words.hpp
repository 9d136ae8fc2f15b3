#pragma once

#include <string>

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// Describes the machine of a run, for its result: "2 ranks of host a (AMD EPYC, 1 thread, OpenBLAS 0.3.21),
/// Open MPI".
std::string machine_words(const MpiSession& session, const Device& device, const Communicator& communicator);

}  // namespace foreshard
