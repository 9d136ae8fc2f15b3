#include "planner/spec/load/overrides.hpp"

#include <span>

#include <fmt/core.h>

#include "planner/spec/cluster/read_cluster.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

/// The value of one override, and the key that it sets.
struct ParsedSetting {
  Place place;
  NodePtr value;
};

/// A job's reference to another config, opened far enough that `rest` of a path can lead into it.
NodePtr open_reference(const NodePtr& node, const std::string& path, std::span<const std::string> rest,
                       Library& library) {
  if (path == "model" && node->kind == YamlNode::Kind::scalar)
    return library.open(ConfigKind::models, *node, path);
  if (path == "cluster.accelerator" && node->kind == YamlNode::Kind::scalar) {
    return library.open(ConfigKind::accelerators, *node, path);
  }
  if (path != "cluster") return node;
  if (rest.front() == "accelerator") return expand_cluster(node, path, library);
  // Other keys of a named cluster are replaced in the same form as in a job: {name: dgx-h100, nodes: 8}.
  if (node->kind == YamlNode::Kind::scalar) return make_map({"name", node->place, node});
  return node;
}

/// Returns `map` with the setting at the end of the path `rest`; null, with a complaint, if a value along the
/// path is not a map.
NodePtr set_below(const YamlNode& map, const std::string& path, std::span<const std::string> rest,
                  const ParsedSetting& setting, Library& library) {
  const std::string& key = rest.front();
  const std::string key_path = path.empty() ? key : path + "." + key;
  if (rest.size() == 1) return with_entry(map, {key, setting.place, setting.value});

  const MapEntry* const entry = map.find(key);
  if (entry == nullptr) {
    YamlNode empty;
    empty.kind = YamlNode::Kind::map;
    empty.place = setting.place;
    return with_entry(map,
                      {key, setting.place, set_below(empty, key_path, rest.subspan(1), setting, library)});
  }
  NodePtr below = entry->value;
  if (below->kind == YamlNode::Kind::null) below = make_map({rest[1], setting.place, setting.value});
  below = open_reference(below, key_path, rest.subspan(1), library);
  if (below == nullptr) return nullptr;
  if (below->kind != YamlNode::Kind::map) {
    library.complaints().add(setting.place, key_path,
                             fmt::format("expected a map, found {}", kind_of(*below)));
    return nullptr;
  }
  below = set_below(*below, key_path, rest.subspan(1), setting, library);
  return below != nullptr ? with_entry(map, {key, entry->key_place, below}) : nullptr;
}

/// The override's value as YAML; none, with a complaint, if it is not YAML.
std::optional<ParsedSetting> parse_setting(const Override& override, Complaints& complaints) {
  const std::string name = fmt::format("--set {}={}", override.path, override.value);
  const SourcePtr source = make_source_without_lines(name);
  const std::size_t before = complaints.size();
  ParsedSetting setting{{source, 0, 0}, nullptr};
  for (const std::string& segment : split_path(override.path)) {
    if (!segment.empty()) continue;
    complaints.add(setting.place, "", "the path has an empty part", "as in --set parallelism.tp=4");
    return std::nullopt;
  }
  const std::optional<std::string> text = check_text(override.value, name, complaints);
  if (!text) return std::nullopt;
  const std::vector<NodePtr> documents = parse_yaml(source, *text, complaints);
  if (complaints.size() != before) return std::nullopt;
  if (documents.empty()) {
    complaints.add(setting.place, override.path, "expected a value, found nothing");
    return std::nullopt;
  }
  setting.value = documents.front();
  return setting;
}

}  // namespace

NodePtr apply_overrides(NodePtr job, const std::vector<Override>& overrides, Library& library) {
  if (job->kind != YamlNode::Kind::map) return job;
  for (const Override& override : overrides) {
    const std::optional<ParsedSetting> setting = parse_setting(override, library.complaints());
    if (!setting) continue;
    const std::vector<std::string> path = split_path(override.path);
    if (NodePtr changed = set_below(*job, "", path, *setting, library)) job = std::move(changed);
  }
  return job;
}

}  // namespace foreshard
