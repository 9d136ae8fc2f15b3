#pragma once

#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"

namespace foreshard::cli {

/// {models[], accelerators[], clusters[], jobs[], measured[]}, of these kinds alone: each config with its
/// name and the figures that `foreshard list` shows, in units that the keys name.
std::string list_json(const std::vector<ConfigKind>& kinds);

}  // namespace foreshard::cli
