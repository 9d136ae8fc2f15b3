#pragma once

#include <span>
#include <string>

#include "planner/report/estimate_fields.hpp"

namespace foreshard::report {

/// A value as the text of one cell: an unsaid value is empty, a list is joined with ';'.
std::string csv_cell(const FieldValue& value);

/// One line of cells, quoted as RFC 4180 has it, with a line feed alone at its end.
std::string csv_line(std::span<const std::string> cells);

}  // namespace foreshard::report
