#pragma once

#include "planner/spec/types/model_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// Reads `experts.imbalance` where it is a list, a number for each layer with experts: their mean becomes the model's
/// imbalance, and layers that differ become kinds of their own.
/// Example: experts in all of 4 layers and [1, 2, 1, 2]: imbalance 1.5, kinds "experts-1" with an expert_load of 2/3
/// and "experts-2" with 4/3, in turns.
/// @param experts  the reader of the map `experts`
/// @pre all other keys of the model have been read into `model` without complaint, and it has experts
void read_imbalance_by_layer(const MapReader& experts, ModelSpec& model);

/// Reads `experts.imbalance` where it is a map: a spread, or the load of each expert or rank.
/// @pre `spec` has the number of experts
void read_imbalance_by_expert(const MapReader& experts, ExpertsSpec& spec);

/// The keys of that map.
KeyTable imbalance_keys();

}  // namespace foreshard
