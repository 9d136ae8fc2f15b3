#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard plan`.
Command plan_command();

}  // namespace foreshard::cli
