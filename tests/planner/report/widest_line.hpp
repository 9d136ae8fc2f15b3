#pragma once

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>

#include "planner/report/table.hpp"

namespace foreshard {

/// Columns that the widest line of a text takes.
inline std::size_t widest_line(const std::string& text) {
  std::istringstream in(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(in, line);) widest = std::max(widest, report::display_width(line));
  return widest;
}

}  // namespace foreshard
