#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard compare JOB --tp 1,2,4,8 [--pp …] … [--cluster A,B] [--nodes 4,8] [--format table|json|csv]
/// [--set key=value]…`: sets `command` where it is chosen.
void add_compare(CLI::App& app, Command& command);

}  // namespace foreshard::cli
