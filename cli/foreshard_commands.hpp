#pragma once

#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace foreshard::cli {

/// The command line of `foreshard`: sets `command` where one is chosen.
void describe_foreshard(CLI::App& app, Command& command);

}  // namespace foreshard::cli
