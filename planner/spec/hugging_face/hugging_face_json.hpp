#pragma once

#include <string>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// A JSON text as the tree that a YAML file gives, with the place of every value. Null, with a complaint, if
/// it is not JSON, gives a key twice, nests deeper or holds more than parse_yaml allows.
NodePtr parse_json(const SourcePtr& source, const std::string& text, Complaints& complaints);

}  // namespace foreshard
