#include "planner/spec/yaml/node_edit.hpp"

#include <algorithm>
#include <set>

namespace foreshard {

NodePtr with_entry(const YamlNode& map, MapEntry entry) {
  auto copy = std::make_shared<YamlNode>(map);
  const auto old = std::find_if(copy->entries.begin(), copy->entries.end(),
                                [&](const MapEntry& each) { return each.key == entry.key; });
  if (old != copy->entries.end()) {
    *old = std::move(entry);
  } else {
    copy->entries.push_back(std::move(entry));
  }
  return copy;
}

NodePtr without_entry(const YamlNode& map, const std::string& key) {
  auto copy = std::make_shared<YamlNode>(map);
  std::erase_if(copy->entries, [&](const MapEntry& entry) { return entry.key == key; });
  return copy;
}

NodePtr make_map(MapEntry entry) {
  auto map = std::make_shared<YamlNode>();
  map->kind = YamlNode::Kind::map;
  map->place = entry.key_place;
  map->entries.push_back(std::move(entry));
  return map;
}

NodePtr merge_maps(const YamlNode& base, const YamlNode& overlay) {
  auto merged = std::make_shared<YamlNode>(base);
  merged->place = overlay.place;
  std::set<std::string> replaced;
  for (const MapEntry& entry : overlay.entries) {
    const auto old = std::find_if(merged->entries.begin(), merged->entries.end(),
                                  [&](const MapEntry& each) { return each.key == entry.key; });
    // A key that is repeated in the overlay stays repeated, so that the reader complains of it.
    if (!replaced.insert(entry.key).second || old == merged->entries.end()) {
      merged->entries.push_back(entry);
    } else if (old->value->kind == YamlNode::Kind::map && entry.value->kind == YamlNode::Kind::map) {
      *old = {entry.key, entry.key_place, merge_maps(*old->value, *entry.value)};
    } else {
      *old = entry;
    }
  }
  return merged;
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> segments(1);
  for (const char c : path) {
    if (c == '.') {
      segments.emplace_back();
    } else {
      segments.back().push_back(c);
    }
  }
  return segments;
}

Place locate(const YamlNode& map, const std::string& path) {
  Place place = map.place;
  const YamlNode* node = &map;
  for (const std::string& segment : split_path(path)) {
    const MapEntry* const entry = node->find(segment);
    if (entry == nullptr) return place;
    node = entry->value.get();
    place = node->kind == YamlNode::Kind::map ? entry->key_place : node->place;
  }
  return place;
}

}  // namespace foreshard
