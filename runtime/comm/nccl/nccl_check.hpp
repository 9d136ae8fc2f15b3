#pragma once

#include <string>
#include <string_view>

#include <nccl.h>

#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Checks that an NCCL call succeeded or is in progress. Only the sources of this folder call NCCL.
/// @throws CommunicationError with the call, NCCL's error text, rank, host, the operation under way and what
/// to try
void check_nccl(ncclResult_t result, std::string_view call, const MpiSession& session,
                ncclComm_t comm = nullptr);

/// "2.28.9"
std::string nccl_version();

}  // namespace foreshard
