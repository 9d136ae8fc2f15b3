#include "planner/report/estimate_csv.hpp"

#include <vector>

#include "planner/report/csv.hpp"

namespace foreshard {

std::string estimate_csv(std::span<const PlannedJob> jobs) {
  std::string out;
  for (const PlannedJob& planned : jobs) {
    std::vector<std::string> keys;
    std::vector<std::string> values;
    for (const report::Field& field : report::estimate_fields(planned)) {
      keys.push_back(field.key);
      values.push_back(report::csv_cell(field.value));
    }
    if (out.empty()) out += report::csv_line(keys);
    out += report::csv_line(values);
  }
  return out;
}

}  // namespace foreshard
