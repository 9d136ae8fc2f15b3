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
/// Nodes are immutable, so aliases and maps changed by overrides share them.
using NodePtr = std::shared_ptr<const YamlNode>;

struct MapEntry {
  std::string key;
  Place key_place;
  NodePtr value;
};

/// A parsed YAML value with its place in the file. Maps keep all entries as written, including repeated keys.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  Place place;
  std::string text;               ///< for a scalar: its text, with quotes and escapes resolved
  bool in_quotes = false;         ///< for a scalar: it is quoted, so it is text
  std::vector<NodePtr> items;     ///< for a list
  std::vector<MapEntry> entries;  ///< for a map, in the order of the file
  std::int64_t size = 1;          ///< number of values in it; an alias counts each time it is used

  /// The first entry with this key; null if there is none or this is not a map.
  [[nodiscard]] const MapEntry* find(std::string_view key) const;
};

/// What a node is, for messages: "a map", "a list", "'text'", "no value".
std::string kind_of(const YamlNode& node);

/// Parses all documents of a text, except empty ones. Complains of a document that is not YAML, nests deeper
/// than 32 levels, or has more than 100,000 values with aliases expanded; the documents before it are still
/// returned.
std::vector<NodePtr> parse_yaml(const SourcePtr& source, const std::string& text, Complaints& complaints);

}  // namespace foreshard
