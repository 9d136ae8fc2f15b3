#pragma once

#include <string>

#include "cli/tool_description.hpp"

namespace foreshard::cli {

/// The tool's help as a page for man(1), in section 1.
/// @param configs  where the bundled configs are installed
std::string man_page(const ToolDescription& tool, const std::string& version, const std::string& configs);

}  // namespace foreshard::cli
