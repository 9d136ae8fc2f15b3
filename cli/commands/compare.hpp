#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard compare`.
Command compare_command();

}  // namespace foreshard::cli
