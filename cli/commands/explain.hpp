#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// foreshard explain: why a step takes as long as it does, and what more hardware would be worth.
Command explain_command();

}  // namespace foreshard::cli
