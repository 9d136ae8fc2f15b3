#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// `foreshard-run devices`.
void add_devices(CLI::App& app, Command& command, MpiSession& session);

}  // namespace foreshard::cli
