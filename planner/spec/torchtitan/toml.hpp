#pragma once

#include <string>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard::detail {

/// Parses a TOML text into the same tree as a YAML file, with the place of every value: tables are maps, arrays
/// lists. Dates are texts. Null, with a complaint, if it is not TOML or says a key twice.
NodePtr parse_toml(const SourcePtr& source, const std::string& text, Complaints& complaints);

}  // namespace foreshard::detail
