#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run sweep JOB --tp 1,2,4`: validates a job at several tensor-parallel degrees, and says whether
/// the predicted order is the measured one.
void add_sweep(CLI::App& app, RunCommand& command);

}  // namespace foreshard::cli
