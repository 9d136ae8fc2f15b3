#pragma once

#include <string_view>

#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// What mpirun returns where a run is ended.
inline constexpr int kWrongInput = 2;
inline constexpr int kEnvironmentFailed = 3;

/// Ends the whole run because of this rank, within seconds: says `message` with rank and host on standard
/// error, once, however many ranks come here at the same time, and takes all ranks down. mpirun returns
/// `exit_code` (2: the input is wrong, 3: the environment failed).
[[noreturn]] void end_run(const MpiSession& session, int exit_code, std::string_view message);

}  // namespace foreshard
