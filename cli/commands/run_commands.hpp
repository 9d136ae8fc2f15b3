#pragma once

#include <vector>

#include "cli/commands/run_command.hpp"
#include "cli/options/option.hpp"
#include "cli/terminal/color.hpp"

namespace foreshard::cli {

std::vector<RunCommand> run_commands();

/// The command line of `foreshard-run`, with its commands in the same order. The value of --color is written
/// to `color`.
ToolSpec run_tool(const std::vector<RunCommand>& commands, ColorChoice& color);

}  // namespace foreshard::cli
