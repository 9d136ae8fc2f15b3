#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard search`.
Command search_command();

}  // namespace foreshard::cli
