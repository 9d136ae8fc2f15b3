#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "cli/commands/exit_code.hpp"

namespace foreshard::cli {

/// The command line asks for something that there is not. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

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

/// The sub-command that the command line chose, ready to run.
struct Command {
  std::function<CommandResult()> run;
  std::string nothing_done;  ///< said after complaints about its input: "nothing planned"
};

}  // namespace foreshard::cli
