#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard list [models|accelerators|clusters|jobs|measured]`: sets `command` where it is chosen.
void add_list(CLI::App& app, Command& command);

}  // namespace foreshard::cli
