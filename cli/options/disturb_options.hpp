#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "sim/disturb/disturbance.hpp"
#include "sim/network/fabric.hpp"

namespace foreshard::cli {

/// What the command line says of devices and links that do not do what their datasheets say.
struct DisturbOptions {
  std::vector<std::string> slowdowns;
  std::string stragglers;
  std::string spread;
  std::string jitter;
  std::vector<std::string> degraded;
};

void add_disturb_options(CLI::App& command, DisturbOptions& options);

/// @throws UsageError for what cannot be read, with an example of what can
DisturbanceSpec disturbance_spec(const DisturbOptions& options);
std::vector<Degradation> degradations(const DisturbOptions& options);

}  // namespace foreshard::cli
