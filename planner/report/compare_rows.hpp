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

/// The rows of the table, the titles of its columns first. A figure that a variant does not have (not legal,
/// does not fit, no price) is "–". Figures that no variant has are left out.
std::vector<CompareRow> compare_rows(const Comparison& comparison);

}  // namespace foreshard::report
