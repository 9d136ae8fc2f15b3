#pragma once

#include <string>
#include <vector>

#include "planner/report/table.hpp"

namespace foreshard::report {

/// The lines of a table, indented, whose last column is text that is cut where the page ends.
std::vector<std::string> cut_table(std::vector<Column> columns, std::vector<std::vector<std::string>> rows);

}  // namespace foreshard::report
