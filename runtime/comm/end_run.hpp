#pragma once

#include <string_view>

#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Exit codes of mpirun when end_run ends the run.
inline constexpr int kWrongInput = 2;
inline constexpr int kEnvironmentFailed = 3;

/// Ends the whole run within seconds, because of an error on this rank. Prints `message` on standard error,
/// preceded by rank, host and operation under way (not for kWrongInput). If several ranks call this at the
/// same time, only one prints. Ends all ranks; mpirun returns `exit_code`.
[[noreturn]] void end_run(const MpiSession& session, int exit_code, std::string_view message);

}  // namespace foreshard
