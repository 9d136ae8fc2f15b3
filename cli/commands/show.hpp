#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard show NAME`: sets `command` where it is chosen.
void add_show(CLI::App& app, Command& command);

}  // namespace foreshard::cli
