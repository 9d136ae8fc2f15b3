#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run validate JOB`: executes a job on all ranks and compares the measured step with its
/// prediction.
RunCommand validate_command();

}  // namespace foreshard::cli
