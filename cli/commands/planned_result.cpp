#include "cli/commands/planned_result.hpp"

#include <algorithm>
#include <utility>

#include "planner/report/estimate_csv.hpp"
#include "planner/report/estimate_json.hpp"

namespace foreshard::cli {

CommandResult planned_result(const std::vector<PlannedJob>& planned, const std::string& format,
                             std::string tables) {
  const bool all_fit = std::all_of(planned.begin(), planned.end(),
                                   [](const PlannedJob& job) { return job.estimate.memory.fits; });
  CommandResult result{.output = std::move(tables),
                       .code = all_fit ? ExitCode::done : ExitCode::no,
                       .is_table = format == "table"};
  if (format == "json") result.output = estimate_json(planned);
  if (format == "csv") result.output = estimate_csv(planned);
  if (format == "csv-short") result.output = estimate_csv(planned, report::CsvColumns::few);
  return result;
}

}  // namespace foreshard::cli
