#include "planner/report/estimate_record.hpp"

#include "planner/report/estimate_fields.hpp"

namespace foreshard::report {

Record estimate_record(std::span<const PlannedJob> jobs) {
  Record record{.objects = {}, .row_keys = {}, .few_columns = few_estimate_columns()};
  for (const PlannedJob& planned : jobs) record.objects.push_back(estimate_fields(planned));
  return record;
}

}  // namespace foreshard::report
