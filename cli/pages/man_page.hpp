#pragma once

#include <string>

#include "cli/pages/tool_description.hpp"

namespace foreshard::cli {

/// The tool's help as a page for man(1), in section 1.
std::string man_page(const ToolDescription& tool, const std::string& version);

}  // namespace foreshard::cli
