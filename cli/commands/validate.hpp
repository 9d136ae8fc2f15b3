#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run validate JOB`: runs a job for real on all ranks and lays it beside its prediction.
RunCommand validate_command();

}  // namespace foreshard::cli
