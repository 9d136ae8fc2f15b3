#include "planner/report/score_csv.hpp"

#include <vector>

#include "planner/report/csv.hpp"
#include "planner/report/score_fields.hpp"

namespace foreshard {

std::string score_csv(const Score& score) {
  std::string out;
  for (const ScoredCase& scored : score.cases) {
    std::vector<std::string> keys;
    std::vector<std::string> cells;
    for (const report::Field& field : report::case_fields(scored)) {
      keys.push_back(field.key);
      cells.push_back(report::csv_cell(field.value));
    }
    if (out.empty()) out = report::csv_line(keys);
    out += report::csv_line(cells);
  }
  return out;
}

}  // namespace foreshard
