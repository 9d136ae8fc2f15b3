#pragma once

#include <vector>

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// The commands of the tool: those that answer a request, and those that need a process of their own.
std::vector<Command> tool_commands();

}  // namespace foreshard::cli
