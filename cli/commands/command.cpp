#include "cli/commands/command.hpp"

#include "cli/files/output_file.hpp"
#include "cli/options/tool_fields.hpp"

namespace foreshard::cli {
namespace {

/// The answer whose JSON also says which tool gave it, and from which inputs.
report::Answer with_tool(const report::Answer& answer, report::OutputFormat format) {
  if (format != report::OutputFormat::json) return answer;
  return {.table = answer.table, .record = [&answer] {
            report::Record record = answer.record();
            for (report::Fields& object : record.objects) report::append(object, "", tool_fields());
            return record;
          }};
}

}  // namespace

CommandResult result_of(const report::Answer& answer, const OutputChoice& choice, ExitCode code) {
  CommandResult result{.output = report::write(with_tool(answer, choice.format), choice.format),
                       .code = code,
                       .is_table = choice.format == report::OutputFormat::table,
                       .html_file = choice.html_file};
  if (!choice.html_file.empty()) result.html = report::write(answer, report::OutputFormat::html);
  return result;
}

void write_page(const CommandResult& result) {
  if (result.html_file.empty()) return;
  OutputFile file(result.html_file);
  file.stream() << result.html;
  file.finish();
}

}  // namespace foreshard::cli
