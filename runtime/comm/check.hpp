#pragma once

#include <string>
#include <string_view>

#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Checks that an MPI call succeeded. Only the sources of this folder call MPI.
/// @throws CommunicationError with the call, MPI's error text, rank, host, the operation under way and `hint`
void check_mpi(int result, std::string_view call, const MpiSession& session, std::string_view hint = {});

/// "rank 1 on host a, in all-reduce number 17 of its tp group, for "qkv" of layer 3, micro-batch 0"
std::string place_words(const MpiSession& session);

}  // namespace foreshard
