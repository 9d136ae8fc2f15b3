#pragma once

#include <vector>

#include "cli/options/option.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/network/fabric.hpp"

namespace foreshard::cli {

/// The command line's options on devices and links that are slower than planned.
struct DisturbOptions {
  DisturbanceSpec disturbance{};
  std::vector<Degradation> degraded{};
};

/// Options that write to `options`. The error for a value that cannot be read shows an example of a valid
/// one.
std::vector<OptionSpec> disturb_options(DisturbOptions& options);

}  // namespace foreshard::cli
