#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

Command serve_command();

}  // namespace foreshard::cli
