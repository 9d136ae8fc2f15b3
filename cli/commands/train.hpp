#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// Adds `foreshard-run train` to the command line.
RunCommand train_command();

}  // namespace foreshard::cli
