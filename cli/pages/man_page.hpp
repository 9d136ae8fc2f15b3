#pragma once

#include <string>

#include "cli/options/option.hpp"

namespace foreshard::cli {

/// The tool's help as a page for man(1), in section 1.
std::string man_page(const ToolSpec& tool, const std::string& version);

}  // namespace foreshard::cli
