#pragma once

#include <vector>

#include "cli/options/option.hpp"
#include "sim/disturb/disturbance.hpp"
#include "sim/network/fabric.hpp"

namespace foreshard::cli {

/// What the command line says of devices and links that do not do what their datasheets say.
struct DisturbOptions {
  DisturbanceSpec disturbance{};
  std::vector<Degradation> degraded{};
};

/// Options that write to `options`. They refuse what cannot be read, with an example of what can.
std::vector<OptionSpec> disturb_options(DisturbOptions& options);

}  // namespace foreshard::cli
