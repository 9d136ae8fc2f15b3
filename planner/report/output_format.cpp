#include "planner/report/output_format.hpp"

#include "planner/report/table.hpp"

namespace foreshard::report {
namespace {

/// The table as it is where no terminal says how wide it is: the same page everywhere.
std::string table_of_usual_width(const Answer& answer) {
  const PageWidth width(kWidth);
  return answer.table();
}

}  // namespace

std::string write(const Answer& answer, OutputFormat format) {
  switch (format) {
    case OutputFormat::table: break;
    case OutputFormat::json: return record_json(answer.record());
    case OutputFormat::csv: return record_csv(answer.record());
    case OutputFormat::short_csv: return record_short_csv(answer.record());
    case OutputFormat::html: return record_html(answer.record(), table_of_usual_width(answer));
  }
  return answer.table();
}

}  // namespace foreshard::report
