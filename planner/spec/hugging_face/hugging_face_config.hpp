#pragma once

#include <string>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Translates a Hugging Face config.json into a model's map with the keys of foreshard's YAML files. Every
/// value keeps its place in config.json, for complaints. Layers that differ become kinds of layers and their
/// pattern. Of a file that describes more than text, the language model is translated.
///
/// Every key is accounted for. It is used; or it is in the list of keys that change neither weights nor
/// products (hugging_face_keys.cpp); or its value switches nothing on, and a note names it; else it is
/// complained of. What the model leaves out is in its key `left_out`, one sentence each.
///
/// Null, with complaints, if the architecture is unknown or keys are missing, wrong or not understood. Source of
/// the keys: huggingface/transformers, src/transformers/models/*/configuration_*.py.
NodePtr model_from_hugging_face(const NodePtr& config, Complaints& complaints);

/// The architectures that can be read, as in "LlamaForCausalLM".
std::vector<std::string> hugging_face_architectures();

}  // namespace foreshard
