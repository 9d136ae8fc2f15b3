#pragma once

#include "cli/commands/command.hpp"

namespace foreshard::cli {

/// `foreshard score`.
Command score_command();

}  // namespace foreshard::cli
