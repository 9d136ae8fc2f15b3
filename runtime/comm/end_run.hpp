#pragma once

#include <string_view>

#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// What mpirun returns where a run is ended.
inline constexpr int kWrongInput = 2;
inline constexpr int kEnvironmentFailed = 3;

/// Ends the whole run because of this rank, within seconds: says `message` on standard error, with rank, host
/// and operation under way unless the input is what is wrong; once, however many ranks come here at the same
/// time; and takes all ranks down. mpirun returns `exit_code`.
[[noreturn]] void end_run(const MpiSession& session, int exit_code, std::string_view message);

}  // namespace foreshard
