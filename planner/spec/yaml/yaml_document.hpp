#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/complaints.hpp"
#include "planner/spec/yaml/source_text.hpp"

namespace foreshard {

struct YamlNode;
/// Nodes never change; aliases and overridden copies share them.
using NodePtr = std::shared_ptr<const YamlNode>;

struct MapEntry {
  std::string key;
  Place key_place;
  NodePtr value;
};

/// A parsed YAML value with the place where it stands. Maps keep every pair as written, repeated keys too.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  Place place;
  std::string text;               ///< of a scalar, quotes and escapes resolved
  bool in_quotes = false;         ///< a scalar that says that it is text
  std::vector<NodePtr> items;     ///< of a list
  std::vector<MapEntry> entries;  ///< of a map, in the order of the file
  std::int64_t size = 1;          ///< values in it, aliases counted each time they are used

  /// The first entry of this key, null if there is none or this is no map.
  [[nodiscard]] const MapEntry* find(std::string_view key) const;
};

/// "a map", "a list", "'text'", "no value": for messages.
std::string kind_of(const YamlNode& node);

/// All documents of a text, without those that hold nothing. What is not YAML, nests deeper than 32 levels or
/// unfolds to more than 100,000 values through aliases is refused with a complaint; documents before it
/// are still returned.
std::vector<NodePtr> parse_yaml(const SourcePtr& source, const std::string& text, Complaints& complaints);

}  // namespace foreshard
