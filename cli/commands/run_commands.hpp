#pragma once

#include <CLI/CLI.hpp>

#include "cli/terminal/color.hpp"
#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// The command line of `foreshard-run`: sets `command` where one is chosen, and `color` as it says.
void describe_foreshard_run(CLI::App& app, RunCommand& command, ColorChoice& color);

}  // namespace foreshard::cli
