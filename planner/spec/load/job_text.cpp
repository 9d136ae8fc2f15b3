#include "planner/spec/load/job_text.hpp"

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "planner/spec/load/job_nodes.hpp"
#include "planner/spec/yaml/node_edit.hpp"
#include "planner/spec/yaml/node_text.hpp"

namespace foreshard {
namespace {

NodePtr without(const YamlNode& map, std::span<const std::string> path) {
  const MapEntry* const entry = map.find(path.front());
  if (path.size() == 1 || entry == nullptr || entry->value->kind != YamlNode::Kind::map)
    return without_entry(map, path.size() == 1 ? path.front() : std::string());
  return with_entry(map, {entry->key, entry->key_place, without(*entry->value, path.subspan(1))});
}

/// A reference to another file as an absolute path; other nodes unchanged.
NodePtr anchored(const NodePtr& node) {
  if (node->kind != YamlNode::Kind::scalar || !is_path(node->text)) return node;
  auto absolute = std::make_shared<YamlNode>(*node);
  const std::filesystem::path directory =
      node->place.source ? node->place.source->directory : std::filesystem::path();
  absolute->text = std::filesystem::absolute(directory / node->text).lexically_normal().string();
  absolute->in_quotes = true;
  return absolute;
}

/// The map with the references below these keys anchored.
NodePtr with_anchors(NodePtr map, std::span<const char* const> keys) {
  for (const char* key : keys) {
    const MapEntry* const entry = map->find(key);
    if (entry != nullptr) map = with_entry(*map, {entry->key, entry->key_place, anchored(entry->value)});
  }
  return map;
}

NodePtr standing_alone(const NodePtr& job) {
  constexpr std::array kTop{"model", "cluster"};
  constexpr std::array kInCluster{"name", "accelerator"};
  const NodePtr map = with_anchors(job, kTop);
  const MapEntry* const cluster = map->find("cluster");
  if (cluster == nullptr || cluster->value->kind != YamlNode::Kind::map) return map;
  return with_entry(*map, {cluster->key, cluster->key_place, with_anchors(cluster->value, kInCluster)});
}

std::string text_of(const SourcePtr& source, const std::string& text, const std::vector<Override>& overrides,
                    const std::vector<std::string>& removed, Complaints& complaints) {
  Library library(complaints);
  const std::vector<NamedNode> jobs = job_nodes(source, text, overrides, library);
  complaints.throw_if_any();
  NodePtr job = standing_alone(jobs.front().node);
  for (const std::string& path : removed) job = without(*job, split_path(path));
  return node_text(*without_entry(*job, "measured"));
}

}  // namespace

std::string load_job_text(const std::filesystem::path& file, const std::vector<Override>& overrides,
                          const std::vector<std::string>& removed) {
  Complaints complaints;
  const std::string name = file.string();
  const std::optional<std::string> text = read_text_file(file, name, complaints);
  complaints.throw_if_any();
  return text_of(make_source(name, file.parent_path(), *text), *text, overrides, removed, complaints);
}

std::string parse_job_text(const std::string& text, const std::string& name,
                           const std::vector<Override>& overrides, const std::vector<std::string>& removed) {
  Complaints complaints;
  return text_of(make_source(name, {}, text), text, overrides, removed, complaints);
}

}  // namespace foreshard
