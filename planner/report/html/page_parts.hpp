#pragma once

#include <string_view>

namespace foreshard::report {

/// The sources of this folder, built into the program (cmake/ForeshardCharts.cmake). A page is self-contained:
/// the frame with style, charts, script and a result put in.
struct PageParts {
  std::string_view frame;   ///< report.html, with a placeholder such as {{style}} for each other part
  std::string_view style;   ///< the style sheet
  std::string_view script;  ///< turns the result into tables and charts
  std::string_view charts;  ///< Apache ECharts with its licences; empty if this build has no charts
};
extern const PageParts kPageParts;

}  // namespace foreshard::report
