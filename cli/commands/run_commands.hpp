#pragma once

#include <vector>

#include "cli/commands/run_command.hpp"
#include "cli/options/option.hpp"
#include "cli/terminal/color.hpp"

namespace foreshard::cli {

std::vector<RunCommand> run_commands();

/// The command line of `foreshard-run`, its commands in the same order. What it says of colour goes to
/// `color`.
ToolSpec run_tool(const std::vector<RunCommand>& commands, ColorChoice& color);

}  // namespace foreshard::cli
