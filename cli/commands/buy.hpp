#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard buy`.
Command buy_command();

}  // namespace foreshard::cli
