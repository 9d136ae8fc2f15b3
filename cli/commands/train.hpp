#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// Adds `foreshard-run train` to the command line.
void add_train(CLI::App& app, RunCommand& command);

}  // namespace foreshard::cli
