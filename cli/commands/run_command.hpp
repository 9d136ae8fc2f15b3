#pragma once

#include <functional>

#include "cli/commands/command.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// A command of foreshard-run, which all ranks run. The MPI session is passed to `run`, so that commands can
/// be listed without a session.
struct RunCommand {
  CommandSpec spec;
  std::function<CommandResult(MpiSession&)> run;
};

}  // namespace foreshard::cli
