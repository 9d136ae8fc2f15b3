#pragma once

#include <string>
#include <vector>

#include "planner/report/field.hpp"
#include "planner/results/planned_job.hpp"

namespace foreshard::report {

/// The fields of the machine-readable result of `plan`, in the order in which the keys are documented. JSON
/// and CSV are both written from this list. Every job has the same keys. The keys contain the units: `_s`
/// seconds, `_bytes` bytes.
std::vector<Field> estimate_fields(const PlannedJob& planned);

/// The keys of the few fields by which people sort a spreadsheet, with `prefix` before each.
std::vector<std::string> few_estimate_columns(const std::string& prefix = "");

}  // namespace foreshard::report
