#include "planner/spec/launch/launch_map.hpp"

#include <algorithm>
#include <memory>

namespace foreshard::detail {

namespace {

std::shared_ptr<YamlNode> node_of(YamlNode::Kind kind, const Place& place) {
  auto node = std::make_shared<YamlNode>();
  node->kind = kind;
  node->place = place;
  return node;
}

}  // namespace

void LaunchMap::say(std::string key, std::string value, const Place& place) {
  auto node = node_of(YamlNode::Kind::scalar, place);
  node->text = std::move(value);
  std::erase_if(entries_, [&](const MapEntry& entry) { return entry.key == key; });
  entries_.push_back({std::move(key), place, std::move(node)});
}

void LaunchMap::say_map(std::string key, const LaunchMap& map, const Place& place) {
  // A complaint about the map points to the first thing that was said of it.
  if (!map.empty()) entries_.push_back({std::move(key), map.entries_.front().key_place, map.node(place)});
}

void LaunchMap::say_node(std::string key, NodePtr node, const Place& place) {
  entries_.push_back({std::move(key), place, std::move(node)});
}

void LaunchMap::say_list(std::string key, const std::vector<std::string>& words, const Place& place) {
  auto list = node_of(YamlNode::Kind::list, place);
  for (const std::string& word : words) {
    auto item = node_of(YamlNode::Kind::scalar, place);
    item->text = word;
    list->items.push_back(std::move(item));
  }
  entries_.push_back({std::move(key), place, std::move(list)});
}

NodePtr LaunchMap::node(const Place& place) const {
  auto map = node_of(YamlNode::Kind::map, place);
  map->entries = entries_;
  return map;
}

NodePtr LaunchJob::node(const Place& place) const {
  LaunchMap job;
  job.say_map("model", model, place);
  job.say("framework", framework, place);
  job.say_map("parallelism", parallelism, place);
  job.say_map("training", training, place);
  if (!left_out.empty()) job.say_list("left_out", left_out, place);
  return job.node(place);
}

}  // namespace foreshard::detail
