#pragma once

#include <string>
#include <vector>

#include "cli/pages/tool_description.hpp"

namespace foreshard::cli {

/// Every command and option of the tools, in Markdown.
std::string command_reference(const std::vector<ToolDescription>& tools);

}  // namespace foreshard::cli
