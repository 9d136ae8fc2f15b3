#pragma once

#include <string>
#include <vector>

#include "planner/report/field.hpp"
#include "planner/results/planned_job.hpp"

namespace foreshard::report {

/// The machine-readable result, in the order in which its keys are documented: the one list from which JSON
/// and CSV are written. Every job has the same keys. Units are in the keys: `_s` seconds, `_bytes` bytes.
std::vector<Field> estimate_fields(const PlannedJob& planned);

/// The keys of those that people sort a spreadsheet by, with `prefix` before each.
std::vector<std::string> few_estimate_columns(const std::string& prefix = "");

}  // namespace foreshard::report
