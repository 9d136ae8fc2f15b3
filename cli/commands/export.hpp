#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// foreshard export: a job as arguments or configuration of a training framework.
Command export_command();

}  // namespace foreshard::cli
