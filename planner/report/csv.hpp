#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/report/estimate_fields.hpp"

namespace foreshard::report {

/// Which columns a CSV has: all keys of the JSON, or those that people sort a spreadsheet by.
enum class CsvColumns : std::uint8_t { all, few };

/// The fields that have a column.
std::vector<Field> with_columns(std::vector<Field> fields, CsvColumns columns);

/// A value as the text of one cell: an unsaid value is empty, a list is joined with ';'.
std::string csv_cell(const FieldValue& value);

/// One line of cells, quoted as RFC 4180 has it, with a line feed alone at its end.
std::string csv_line(std::span<const std::string> cells);

}  // namespace foreshard::report
