#pragma once

#include "planner/spec/types/model_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of one kind of layer, and of its attention.
KeyTable layer_kind_keys();
KeyTable kind_attention_keys();

/// Reads `layer_kinds` and `pattern` of a model's map. Keys that a kind leaves out have the values of the
/// model's own keys. @pre the model's other keys have been read into `model`
void read_layer_kinds(const MapReader& map, ModelSpec& model);

}  // namespace foreshard
