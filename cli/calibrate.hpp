#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// `foreshard-run calibrate`: measures the machine that the ranks run on, and writes a cluster file that
/// every command takes.
void add_calibrate(CLI::App& app, Command& command, MpiSession& session);

}  // namespace foreshard::cli
