#pragma once

#include <CLI/CLI.hpp>

#include "cli/run_command.hpp"

namespace foreshard::cli {

/// The command line of `foreshard-run`: sets `command` where one is chosen.
void describe_foreshard_run(CLI::App& app, RunCommand& command);

}  // namespace foreshard::cli
