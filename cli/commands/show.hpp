#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard show`.
Command show_command();

}  // namespace foreshard::cli
