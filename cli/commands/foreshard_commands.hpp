#pragma once

#include <CLI/CLI.hpp>

#include "cli/terminal/color.hpp"
#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// The command line of `foreshard`: sets `command` where one is chosen, and `color` as it says.
void describe_foreshard(CLI::App& app, Command& command, ColorChoice& color);

}  // namespace foreshard::cli
