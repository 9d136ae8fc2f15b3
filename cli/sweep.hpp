#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// `foreshard-run sweep JOB --tp 1,2,4`: validates a job at several tensor-parallel degrees, and says whether
/// the predicted order is the measured one.
void add_sweep(CLI::App& app, Command& command, MpiSession& session);

}  // namespace foreshard::cli
