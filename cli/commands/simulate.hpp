#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard simulate`.
Command simulate_command();

}  // namespace foreshard::cli
