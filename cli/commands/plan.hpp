#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard plan JOB… [--format table|json|csv] [--set key=value]…`: sets `command` where it is chosen.
void add_plan(CLI::App& app, Command& command);

}  // namespace foreshard::cli
