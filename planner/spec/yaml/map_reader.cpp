#include "planner/spec/yaml/map_reader.hpp"

#include <algorithm>
#include <map>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace foreshard {

MapReader::MapReader(NodePtr node, const Place& owner, std::string path, KeyTable keys,
                     Complaints& complaints)
    : node_(std::move(node)), owner_(owner), path_(std::move(path)), keys_(keys), complaints_(&complaints) {
  check_keys();
}

std::optional<MapReader> MapReader::open(NodePtr node, const Place& owner, std::string path, KeyTable keys,
                                         std::string_view what, Complaints& complaints) {
  if (node->kind != YamlNode::Kind::map) {
    complaints.add(node->place, std::move(path), fmt::format("expected {}, found {}", what, kind_of(*node)));
    return std::nullopt;
  }
  return MapReader(std::move(node), owner, std::move(path), keys, complaints);
}

void MapReader::check_keys() const {
  std::vector<std::string> known;
  for (const KeyInfo& info : keys_) known.emplace_back(info.key);
  std::map<std::string_view, const MapEntry*> seen;
  for (const MapEntry& entry : node_->entries) {
    const auto [first, is_new] = seen.emplace(entry.key, &entry);
    if (!is_new) {
      complaints_->add(entry.key_place, path_,
                       fmt::format("the key {} is given twice, first in line {}", quote(entry.key),
                                   first->second->key_place.line));
    } else if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      const std::string suggestion = did_you_mean(entry.key, known);
      complaints_->add(entry.key_place, path_, fmt::format("unknown key {}{}", quote(entry.key), suggestion),
                       suggestion.empty() ? fmt::format("allowed here: {}", fmt::join(known, ", ")) : "");
    }
  }
}

NodePtr MapReader::value(std::string_view key) const {
  const MapEntry* const entry = node_->find(key);
  return entry != nullptr ? entry->value : nullptr;
}

std::string MapReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

NodePtr MapReader::list_node(std::string_view key) const {
  const NodePtr node = value(key);
  if (node == nullptr) return nullptr;
  if (node->kind == YamlNode::Kind::list && !node->items.empty()) return node;
  complain(key, node->kind == YamlNode::Kind::list ? "the list is empty"
                                                   : "expected a list, found " + kind_of(*node));
  return nullptr;
}

std::optional<MapReader> MapReader::child(std::string_view key, KeyTable keys) const {
  const MapEntry* const entry = node_->find(key);
  if (entry == nullptr) return std::nullopt;
  return open(entry->value, entry->key_place, path_of(key), keys, "a map", *complaints_);
}

std::optional<MapReader> MapReader::required_child(std::string_view key, KeyTable keys) const {
  if (!has(key)) complain_of_missing(key);
  return child(key, keys);
}

std::vector<MapReader> MapReader::children(std::string_view key, KeyTable keys) const {
  std::vector<MapReader> readers;
  const NodePtr list = list_node(key);
  if (list == nullptr) return readers;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const NodePtr& item = list->items[i];
    const std::string item_path = path_of(key) + "[" + std::to_string(i) + "]";
    if (auto reader = open(item, item->place, item_path, keys, "a map", *complaints_))
      readers.push_back(std::move(*reader));
  }
  return readers;
}

void MapReader::complain(std::string_view key, std::string message, std::string allowed) const {
  const NodePtr node = value(key);
  complaints_->add(node != nullptr ? node->place : owner_, path_of(key), std::move(message),
                   std::move(allowed));
}

void MapReader::complain_of_missing(std::string_view key) const {
  const auto info =
      std::find_if(keys_.begin(), keys_.end(), [&](const KeyInfo& each) { return each.key == key; });
  std::string allowed = info != keys_.end() ? fmt::format("{}: {}", info->key, info->description) : "";
  complaints_->add(owner_, path_, fmt::format("the key '{}' is missing", key), std::move(allowed));
}

}  // namespace foreshard
