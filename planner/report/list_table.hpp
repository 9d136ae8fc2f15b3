#pragma once

#include <string>

#include "planner/results/bundled_configs.hpp"

namespace foreshard {

/// The result of `list` for people: a table for each kind, with a blank line between them.
std::string list_table(const BundledConfigs& configs);

}  // namespace foreshard
