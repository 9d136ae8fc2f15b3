#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run sweep JOB --tp 1,2,4`: validates a job at several tensor-parallel degrees, and says whether
/// the predicted order is the measured one.
RunCommand sweep_command();

}  // namespace foreshard::cli
