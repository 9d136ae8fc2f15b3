#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run devices`.
void add_devices(CLI::App& app, RunCommand& command);

}  // namespace foreshard::cli
