#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// `foreshard-run validate JOB`: runs a job for real on all ranks and lays it beside its prediction.
void add_validate(CLI::App& app, Command& command, MpiSession& session);

}  // namespace foreshard::cli
