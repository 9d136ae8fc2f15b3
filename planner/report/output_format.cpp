#include "planner/report/output_format.hpp"

namespace foreshard::report {

std::string write(const Answer& answer, OutputFormat format) {
  switch (format) {
    case OutputFormat::table: break;
    case OutputFormat::json: return record_json(answer.record());
    case OutputFormat::csv: return record_csv(answer.record());
    case OutputFormat::short_csv: return record_short_csv(answer.record());
  }
  return answer.table();
}

}  // namespace foreshard::report
