#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "cli/options/option.hpp"

namespace foreshard::cli {

/// What a command line asks for.
struct ParsedCommandLine {
  std::optional<std::string> page;  ///< help or the version, to be printed; then there is no command to run
  std::size_t command = 0;          ///< of tool.commands
};

/// Reads a command line and hands each value to its option's target. `help` and `help COMMAND` mean --help.
/// @param version  what --version prints behind the tool's name
/// @param help_width  columns of help texts
/// @throws UsageError in one line, with the nearest word that there is, and the command that prints help
ParsedCommandLine parse_command_line(const ToolSpec& tool, int argc, const char* const* argv,
                                     const std::string& version, std::size_t help_width);

}  // namespace foreshard::cli
