#include "cli/commands/command.hpp"

#include "cli/files/output_file.hpp"

namespace foreshard::cli {

CommandResult result_of(const report::Answer& answer, const OutputChoice& choice, ExitCode code) {
  CommandResult result{.output = report::write(answer, choice.format),
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
