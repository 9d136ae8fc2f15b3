#include "planner/report/markdown.hpp"

namespace foreshard::report {

std::string markdown_cell(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2))
    text.insert(at, 1, '\\');
  return text;
}

}  // namespace foreshard::report
