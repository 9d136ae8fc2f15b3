#include "planner/report/estimate_json.hpp"

#include "planner/report/field_json.hpp"

namespace foreshard {

std::string estimate_json(std::span<const PlannedJob> jobs) {
  report::Json result = report::Json::array();
  for (const PlannedJob& planned : jobs)
    result.push_back(report::fields_json(report::estimate_fields(planned)));
  return report::printed(jobs.size() == 1 ? result.front() : result);
}

}  // namespace foreshard
