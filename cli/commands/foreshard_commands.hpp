#pragma once

#include <vector>

#include "cli/commands/command.hpp"
#include "cli/options/option.hpp"
#include "cli/terminal/color.hpp"

namespace foreshard::cli {

std::vector<Command> foreshard_commands();

/// The command line of `foreshard`, with its commands in the same order. The value of --color is written to
/// `color`.
ToolSpec foreshard_tool(const std::vector<Command>& commands, ColorChoice& color);

}  // namespace foreshard::cli
