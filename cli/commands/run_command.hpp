#pragma once

#include <functional>

#include "cli/commands/command.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard::cli {

/// The sub-command of foreshard-run that the command line chose, ready to be run by all ranks. Which commands
/// there are is known without a session.
using RunCommand = std::function<CommandResult(MpiSession&)>;

}  // namespace foreshard::cli
