#pragma once

#include <string>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// `base` with the entries of `overlay` in place of its own; where both have a map under a key, the maps are
/// merged likewise. Both must be maps. Every entry keeps the place where it was written.
NodePtr merge_maps(const YamlNode& base, const YamlNode& overlay);

/// `map` with one entry replaced, or added at its end.
NodePtr with_entry(const YamlNode& map, MapEntry entry);

/// `map` without the entries of one key.
NodePtr without_entry(const YamlNode& map, const std::string& key);

/// A map of one entry, placed where the entry is.
NodePtr make_map(MapEntry entry);

/// Where to point for a dotted path below a map: at the value if it is there (at the key of one that is a
/// map), else likewise for the nearest part of the path that is. A scalar in the place of a map (a model's
/// name) stands for all that is below it.
Place locate(const YamlNode& map, const std::string& path);

/// "parallelism.tp" as {"parallelism", "tp"}.
std::vector<std::string> split_path(const std::string& path);

}  // namespace foreshard
