#pragma once

#include <cstddef>
#include <string>

#include "cli/options/option.hpp"

namespace foreshard::cli {

/// "foreshard plan [options] JOB..."
std::string usage(const ToolSpec& tool, const CommandSpec& command);

/// What --help prints: of the tool, or of one of its commands. Text is wrapped at `width` columns; examples
/// are not.
std::string help_page(const ToolSpec& tool, std::size_t width);
std::string help_page(const ToolSpec& tool, const CommandSpec& command, std::size_t width);

}  // namespace foreshard::cli
