#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// foreshard import: measurements of other tools become constants of a cluster or an accelerator.
Command import_command();

}  // namespace foreshard::cli
