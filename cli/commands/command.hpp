#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "cli/commands/exit_code.hpp"
#include "cli/options/option.hpp"
#include "cli/options/usage_error.hpp"

namespace foreshard::cli {

/// The machine failed; the message names the call's object, the system's own words and the operation under
/// way. Exit code 3.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The whole standard output of a command, so that nothing half-written is ever seen, and what to tell the
/// shell.
struct CommandResult {
  std::string output;
  ExitCode code = ExitCode::done;
  bool is_table = false;  ///< for people, not for programs
};

/// A command of foreshard: how it is called, and what it does with the values that the parser has put where
/// its targets are.
struct Command {
  CommandSpec spec;
  std::function<CommandResult()> run;
  std::string nothing_done;  ///< said after complaints about its input: "nothing planned"
};

}  // namespace foreshard::cli
