#pragma once

#include <string>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"

namespace foreshard::detail {

/// The family that a config names by "architectures" or "model_type". Null, with a complaint, if it names none,
/// or one that is not known or not planned; the complaint about an unknown one names the family to which it is
/// nearest by its keys, with what it lacks of that family's keys and has beside them.
/// @param text   the config of the language model
/// @param whole  the config around it, or the same
const Family* find_family(const YamlNode& text, const YamlNode& whole, Complaints& complaints);

/// As in "LlamaForCausalLM".
std::string full_name(const Family& family);

}  // namespace foreshard::detail
