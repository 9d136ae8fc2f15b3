#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard score [FILE…] [--without SOURCE]… [--worst N] [--bands] [--format table|json|csv] [--set
/// key=value]…`: sets `command` where it is chosen.
void add_score(CLI::App& app, Command& command);

}  // namespace foreshard::cli
