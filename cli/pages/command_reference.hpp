#pragma once

#include <string>
#include <vector>

#include "cli/options/option.hpp"

namespace foreshard::cli {

/// Every command and option of the tools, in Markdown.
std::string command_reference(const std::vector<ToolSpec>& tools);

}  // namespace foreshard::cli
