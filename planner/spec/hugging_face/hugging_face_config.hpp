#pragma once

#include <string>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Translates a Hugging Face config.json into a model's map with the keys of foreshard's YAML files. Every
/// value keeps its place in config.json, for complaints. Layers with and without a sliding window become
/// kinds of layers. Settings that change neither weights nor matrix products are ignored: soft-caps, scalings
/// of rotary positions, quantisation; and so are the extra prediction layers of DeepSeek-V3.
/// Null, with complaints, if the architecture is unknown or keys are missing or wrong. Source of the keys:
/// huggingface/transformers, src/transformers/models/*/configuration_*.py.
NodePtr model_from_hugging_face(const NodePtr& config, Complaints& complaints);

/// The architectures that can be read, as in "LlamaForCausalLM".
std::vector<std::string> hugging_face_architectures();

}  // namespace foreshard
