#include "cli/commands/command.hpp"

namespace foreshard::cli {

CommandResult result_of(const report::Answer& answer, report::OutputFormat format, ExitCode code) {
  return {.output = report::write(answer, format),
          .code = code,
          .is_table = format == report::OutputFormat::table};
}

}  // namespace foreshard::cli
