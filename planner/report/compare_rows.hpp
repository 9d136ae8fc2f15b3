#pragma once

#include <string>
#include <vector>

#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// One figure of every variant, as text.
struct CompareRow {
  std::string name;
  std::vector<std::string> cells;  ///< by variant
};

/// The rows of the table, the titles of its columns first. A figure that a variant has not (it is not legal,
/// it does not fit, nobody knows a price) is "–"; figures that no variant has make no row.
std::vector<CompareRow> compare_rows(const Comparison& comparison);

}  // namespace foreshard::report
