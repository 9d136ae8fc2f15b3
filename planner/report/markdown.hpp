#pragma once

#include <string>

namespace foreshard::report {

/// Text as it stands in a cell of a Markdown table.
std::string markdown_cell(std::string text);

}  // namespace foreshard::report
