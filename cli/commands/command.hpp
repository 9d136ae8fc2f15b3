#pragma once

#include <functional>
#include <string>

#include "cli/options/option.hpp"
#include "cli/terminal/exit_code.hpp"
#include "planner/report/output_format.hpp"

namespace foreshard::cli {

/// The whole standard output of a command, so that nothing half-written is ever seen, and what to tell the
/// shell.
struct CommandResult {
  std::string output;
  ExitCode code = ExitCode::done;
  bool is_table = false;  ///< for people, not for programs
};

/// An answer in the format that was asked for.
CommandResult result_of(const report::Answer& answer, report::OutputFormat format,
                        ExitCode code = ExitCode::done);

/// A command of foreshard: how it is called, and what it does with the values that the parser has put where
/// its targets are.
struct Command {
  CommandSpec spec;
  std::function<CommandResult()> run;
  std::string nothing_done;  ///< said after complaints about its input: "nothing planned"
};

}  // namespace foreshard::cli
