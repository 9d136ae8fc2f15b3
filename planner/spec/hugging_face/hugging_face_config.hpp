#pragma once

#include <string>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// A model's map, with the keys of a YAML file, out of a Hugging Face config.json; every value keeps its
/// place in that file. Layers with and without a sliding window become kinds of layers. What does not change
/// weights or products is passed over: soft-caps, scalings of rotary positions, quantisation, the extra
/// prediction layers of DeepSeek-V3.
/// Null, with complaints, if the architecture is unknown or keys are missing or wrong. Source of the keys:
/// huggingface/transformers, src/transformers/models/*/configuration_*.py.
NodePtr model_from_hugging_face(const NodePtr& config, Complaints& complaints);

/// The architectures that can be read, as in "LlamaForCausalLM".
std::vector<std::string> hugging_face_architectures();

}  // namespace foreshard
