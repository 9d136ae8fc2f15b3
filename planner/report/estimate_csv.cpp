#include "planner/report/estimate_csv.hpp"

#include <vector>

namespace foreshard {

std::string estimate_csv(std::span<const PlannedJob> jobs, report::CsvColumns columns) {
  std::string out;
  for (const PlannedJob& planned : jobs) {
    std::vector<std::string> keys;
    std::vector<std::string> values;
    for (const report::Field& field : report::with_columns(report::estimate_fields(planned), columns)) {
      keys.push_back(field.key);
      values.push_back(report::csv_cell(field.value));
    }
    if (out.empty()) out += report::csv_line(keys);
    out += report::csv_line(values);
  }
  return out;
}

}  // namespace foreshard
