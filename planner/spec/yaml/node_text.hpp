#pragma once

#include <string>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// A map as YAML text that reads back to the same values: maps in block style, lists of scalars and of maps as items.
/// Comments are lost. @pre `map` is a map
std::string node_text(const YamlNode& map);

}  // namespace foreshard
