#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run calibrate`: measures the machine that the ranks run on, and writes a cluster file that
/// every command takes.
RunCommand calibrate_command();

}  // namespace foreshard::cli
