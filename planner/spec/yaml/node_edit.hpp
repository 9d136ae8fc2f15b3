#pragma once

#include <string>
#include <vector>

#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard {

/// Returns `base` with its entries replaced by those of `overlay`. If both have a map under a key, these maps
/// are merged in the same way. Every entry keeps the place where it was written. @pre both are maps
NodePtr merge_maps(const YamlNode& base, const YamlNode& overlay);

/// `map` with one entry replaced, or added at its end.
NodePtr with_entry(const YamlNode& map, MapEntry entry);

/// `map` without the entries of one key.
NodePtr without_entry(const YamlNode& map, const std::string& key);

/// A map of one entry, with the entry's place.
NodePtr make_map(MapEntry entry);

/// The place to which a complaint about a dotted path below a map should point: the value, or its key if the
/// value is a map. If the path does not exist, the place of its longest part that does. A scalar in the place
/// of a map (a model's name) stands for everything below it.
Place locate(const YamlNode& map, const std::string& path);

/// "parallelism.tp" as {"parallelism", "tp"}.
std::vector<std::string> split_path(const std::string& path);

}  // namespace foreshard
