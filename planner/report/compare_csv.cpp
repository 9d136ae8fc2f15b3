#include "planner/report/compare_csv.hpp"

#include <algorithm>
#include <vector>

#include "planner/report/compare_fields.hpp"

namespace foreshard {
namespace {

using namespace report;

std::vector<Field> fields_of(const ComparedVariant& compared, CsvColumns columns) {
  return with_columns(compare_fields(compared), columns);
}

std::vector<Field> estimate_of(const ComparedVariant& compared, CsvColumns columns) {
  return with_columns(estimate_fields({compared.variant.job, *compared.estimate, compared.advice}), columns);
}

}  // namespace

std::string compare_csv(const Comparison& comparison, CsvColumns columns) {
  const auto& variants = comparison.variants;
  if (variants.empty()) return {};
  std::vector<std::string> keys;
  for (const Field& field : fields_of(variants.front(), columns)) keys.push_back(field.key);
  const std::size_t own_keys = keys.size();
  // All estimates have the same keys: any will do.
  const auto planned = std::find_if(variants.begin(), variants.end(),
                                    [](const ComparedVariant& compared) { return compared.estimate; });
  if (planned != variants.end()) {
    for (const Field& field : estimate_of(*planned, columns)) keys.push_back("estimate." + field.key);
  }
  std::string out = csv_line(keys);
  for (const ComparedVariant& compared : variants) {
    std::vector<std::string> cells;
    for (const Field& field : fields_of(compared, columns)) cells.push_back(csv_cell(field.value));
    if (compared.estimate) {
      for (const Field& field : estimate_of(compared, columns)) cells.push_back(csv_cell(field.value));
    } else {
      cells.insert(cells.end(), keys.size() - own_keys, "");
    }
    out += csv_line(cells);
  }
  return out;
}

}  // namespace foreshard
