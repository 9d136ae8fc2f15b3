#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run calibrate`: measures the machine that the ranks run on, and writes a cluster file that
/// every command takes.
void add_calibrate(CLI::App& app, RunCommand& command);

}  // namespace foreshard::cli
