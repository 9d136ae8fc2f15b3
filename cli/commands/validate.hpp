#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run validate JOB`: runs a job for real on all ranks and lays it beside its prediction.
void add_validate(CLI::App& app, RunCommand& command);

}  // namespace foreshard::cli
