#pragma once

#include <string>
#include <string_view>

#include <nccl.h>

#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// For the sources of this folder: what an NCCL call returned, held to be a success or still under way.
/// @throws CommunicationError with the call, NCCL's own words, rank, host, the operation under way and what
/// to try
void check_nccl(ncclResult_t result, std::string_view call, const MpiSession& session,
                ncclComm_t comm = nullptr);

/// "2.28.9"
std::string nccl_version();

}  // namespace foreshard
