#pragma once

#include <string>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Parses a JSON text into the same tree as a YAML file, with the place of every value. Accepts the numbers
/// NaN, Infinity and -Infinity, which Python writes although JSON has none; they are scalars with this text,
/// so that reading one as a number fails where its key matters. The text may have any number of values; it
/// may nest 512 levels deep. Null, with a complaint, if it is not JSON or repeats a key.
NodePtr parse_json(const SourcePtr& source, const std::string& text, Complaints& complaints);

}  // namespace foreshard
