#pragma once

#include <span>
#include <string>

#include "planner/report/csv.hpp"
#include "planner/report/planned_job.hpp"

namespace foreshard {

/// One header and one row per job; the columns are the keys of estimate_json, flattened with dots. An unsaid
/// value is an empty cell, a list is joined with ';'. Numbers as in estimate_json. Quoting as RFC 4180 has
/// it; lines end with a line feed alone. Empty for no jobs.
std::string estimate_csv(std::span<const PlannedJob> jobs,
                         report::CsvColumns columns = report::CsvColumns::all);

}  // namespace foreshard
