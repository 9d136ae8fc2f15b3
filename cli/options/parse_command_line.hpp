#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "cli/options/option.hpp"

namespace foreshard::cli {

/// The result of parsing a command line: a page to print, or a command to run.
struct ParsedCommandLine {
  std::optional<std::string> page;  ///< help or version text to print; then there is no command to run
  std::size_t command = 0;          ///< index into tool.commands
};

/// Parses a command line and passes each value to its option's target. `help` and `help COMMAND` mean --help.
/// @param version  what --version prints after the tool's name
/// @param help_width  number of columns of help texts
/// @throws UsageError with a one-line message, which suggests the nearest known word and the command that
/// prints help
ParsedCommandLine parse_command_line(const ToolSpec& tool, int argc, const char* const* argv,
                                     const std::string& version, std::size_t help_width);

}  // namespace foreshard::cli
