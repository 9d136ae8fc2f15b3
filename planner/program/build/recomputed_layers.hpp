#pragma once

#include <vector>

#include "planner/program/schedule/placement.hpp"
#include "planner/spec/types/recompute_spec.hpp"

namespace foreshard {

/// For each layer of the model: true if it is recomputed.
std::vector<bool> recomputed_layers(const RecomputeLayers& layers, const Placement& placement);

}  // namespace foreshard
