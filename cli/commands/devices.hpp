#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run devices`.
RunCommand devices_command();

}  // namespace foreshard::cli
