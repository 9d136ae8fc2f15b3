#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard list`.
Command list_command();

}  // namespace foreshard::cli
