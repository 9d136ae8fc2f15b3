#pragma once

#include <functional>
#include <string>

#include "cli/options/common_options.hpp"
#include "cli/options/option.hpp"
#include "cli/terminal/exit_code.hpp"
#include "planner/report/output_format.hpp"

namespace foreshard::cli {

/// The result of a command: its complete standard output, which is printed only after the command has ended,
/// and its exit code.
struct CommandResult {
  std::string output;
  ExitCode code = ExitCode::done;
  bool is_table = false;    ///< the output is a table for people, which may be coloured
  std::string html_file{};  ///< where to write `html`; empty: nowhere
  std::string html{};
};

/// Writes an answer in the requested format, and as a page if one is wanted.
CommandResult result_of(const report::Answer& answer, const OutputChoice& choice,
                        ExitCode code = ExitCode::done);

/// Writes the page of a result to its file. @throws UsageError, EnvironmentError as OutputFile
void write_page(const CommandResult& result);

/// A command of foreshard: its command line, and the function that runs it with the values that the parser
/// has written to the targets of its options.
struct Command {
  CommandSpec spec;
  std::function<CommandResult()> run;
  std::string nothing_done;  ///< text after complaints about its input: "nothing planned"
};

}  // namespace foreshard::cli
