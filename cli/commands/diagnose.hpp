#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// foreshard diagnose: a measured step, from a trace or a log, beside its plan.
Command diagnose_command();

}  // namespace foreshard::cli
