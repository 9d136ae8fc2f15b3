#pragma once

#include <string>

namespace foreshard::report {

/// Escapes text for a cell of a Markdown table.
std::string markdown_cell(std::string text);

}  // namespace foreshard::report
