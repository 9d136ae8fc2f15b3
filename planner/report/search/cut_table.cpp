#include "planner/report/search/cut_table.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace foreshard::report {
namespace {

/// Columns of the page that all but the last column of a table leave.
std::size_t left_for_last(const std::vector<Column>& columns,
                          const std::vector<std::vector<std::string>>& rows) {
  constexpr std::size_t kGap = 2;
  constexpr std::size_t kLeast = 10;
  std::size_t used = kIndent;
  for (std::size_t c = 0; c + 1 < columns.size(); ++c) {
    std::size_t width = display_width(columns[c].title);
    for (const std::vector<std::string>& cells : rows) width = std::max(width, display_width(cells[c]));
    used += width + kGap;
  }
  return std::max(kLeast, PageWidth::columns() - std::min(PageWidth::columns(), used));
}

}  // namespace

std::vector<std::string> cut_table(std::vector<Column> columns, std::vector<std::vector<std::string>> rows) {
  const std::size_t left = left_for_last(columns, rows);
  columns.back().title = shortened(columns.back().title, left);
  Table table(std::move(columns));
  for (std::vector<std::string>& cells : rows) {
    cells.back() = shortened(cells.back(), left);
    table.row(std::move(cells));
  }
  std::vector<std::string> lines;
  for (const std::string& line : table.lines()) lines.push_back(std::string(kIndent, ' ') + line);
  return lines;
}

}  // namespace foreshard::report
