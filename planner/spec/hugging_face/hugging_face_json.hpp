#pragma once

#include <string>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Parses a JSON text into the same tree as a YAML file, with the place of every value. Null, with a
/// complaint, if it is not JSON, has a repeated key, or nests deeper or has more values than parse_yaml
/// allows.
NodePtr parse_json(const SourcePtr& source, const std::string& text, Complaints& complaints);

}  // namespace foreshard
