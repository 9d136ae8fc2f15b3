#pragma once

#include "cli/commands/run_command.hpp"

namespace foreshard::cli {

/// `foreshard-run search`.
RunCommand search_on_ranks_command();

}  // namespace foreshard::cli
