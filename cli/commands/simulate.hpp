#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// Adds `foreshard simulate` to the command line.
void add_simulate(CLI::App& app, Command& command);

}  // namespace foreshard::cli
