#pragma once

#include <cstddef>
#include <string>

#include "cli/options/option.hpp"

namespace foreshard::cli {

/// The usage line of a command: "foreshard plan [options] JOB..."
std::string usage(const ToolSpec& tool, const CommandSpec& command);

/// The text that --help prints for the tool or for one of its commands. Text is wrapped at `width` columns,
/// except examples.
std::string help_page(const ToolSpec& tool, std::size_t width);
std::string help_page(const ToolSpec& tool, const CommandSpec& command, std::size_t width);

}  // namespace foreshard::cli
