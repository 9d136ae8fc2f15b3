#pragma once

#include "planner/spec/types/model_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of multi-token prediction.
KeyTable mtp_keys();

/// Reads `mtp` of a model's map. @pre the model's kinds of layers have been read
void read_mtp(const MapReader& map, ModelSpec& model);

}  // namespace foreshard
