#pragma once

#include <string>
#include <vector>

#include "cli/commands/command.hpp"
#include "planner/report/planned_job.hpp"

namespace foreshard::cli {

/// Planned jobs in the format that was asked for: json, csv, csv-short, or else `tables`, which are written
/// already. The exit code says whether all of them fit.
CommandResult planned_result(const std::vector<PlannedJob>& planned, const std::string& format,
                             std::string tables);

}  // namespace foreshard::cli
