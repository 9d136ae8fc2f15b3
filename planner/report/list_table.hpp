#pragma once

#include <string>

#include "planner/results/bundled_configs.hpp"

namespace foreshard {

/// What `list` answers, for people: a table for each kind, with a blank line between.
std::string list_table(const BundledConfigs& configs);

}  // namespace foreshard
