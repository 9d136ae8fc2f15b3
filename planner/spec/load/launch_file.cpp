#include "planner/spec/load/launch_file.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "planner/spec/cluster/read_cluster.hpp"
#include "planner/spec/launch/launch_map.hpp"
#include "planner/spec/load/overrides.hpp"
#include "planner/spec/megatron/megatron_job.hpp"
#include "planner/spec/torchtitan/torchtitan_job.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

/// The job's cluster with the number of nodes that the launch file says, unless the cluster says it.
NodePtr with_nodes(const NodePtr& job, std::int64_t nodes, bool is_said) {
  const MapEntry* const cluster = job->find("cluster");
  if (cluster == nullptr || nodes == 0 || is_said) return job;
  NodePtr map = cluster->value;
  if (map->kind == YamlNode::Kind::scalar) map = make_map({"name", map->place, map});
  if (map->kind != YamlNode::Kind::map || map->find("nodes") != nullptr) return job;
  auto count = std::make_shared<YamlNode>();
  count->kind = YamlNode::Kind::scalar;
  count->place = job->place;
  count->text = std::to_string(nodes);
  return with_entry(*job, {"cluster", cluster->key_place, with_entry(*map, {"nodes", job->place, count})});
}

/// A job of overrides alone: what the command line says of the cluster.
std::int64_t devices_of(const std::vector<Override>& overrides, const SourcePtr& source) {
  Complaints complaints;
  Library library(complaints);
  auto empty = std::make_shared<YamlNode>();
  empty->kind = YamlNode::Kind::map;
  empty->place = {source, 1, 1};
  std::vector<Override> of_cluster;
  for (const Override& override : overrides) {
    if (override.path == "cluster" || override.path.starts_with("cluster.")) of_cluster.push_back(override);
  }
  const NodePtr job = apply_overrides(empty, of_cluster, library);
  const MapEntry* const cluster = job->find("cluster");
  if (cluster == nullptr || complaints.size() > 0) return 0;
  const ClusterSpec spec = read_cluster(cluster->value, cluster->key_place, "cluster", library);
  return complaints.size() > 0 ? 0 : spec.devices();
}

}  // namespace

std::optional<LaunchKind> launch_kind_by_name(const std::string& name) {
  const std::string extension = std::filesystem::path(name).extension().string();
  for (const char* const shell : {".sh", ".bash", ".slurm", ".sbatch", ".args"}) {
    if (extension == shell) return LaunchKind::megatron;
  }
  if (extension == ".toml") return LaunchKind::torchtitan;
  return std::nullopt;
}

std::optional<LaunchKind> launch_kind(const std::string& name, const std::string& text) {
  if (const auto kind = launch_kind_by_name(name)) return kind;
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return std::nullopt;
  // "---" begins a YAML document.
  const bool is_shell = text.compare(begin, 2, "#!") == 0 || text.compare(begin, 9, "torchrun ") == 0 ||
                        (text.compare(begin, 2, "--") == 0 && text.compare(begin, 3, "---") != 0);
  return is_shell ? std::optional(LaunchKind::megatron) : std::nullopt;
}

namespace {

/// The job's map with overrides applied and the nodes that the file says. Null, with a complaint, if nothing says
/// the cluster.
NodePtr finished(const detail::LaunchJob& job, const Place& place, const std::vector<Override>& overrides,
                 Library& library) {
  const NodePtr changed = apply_overrides(job.node(place), overrides, library);
  if (changed->find("cluster") == nullptr) {
    library.complaints().add({place.source}, "cluster", "a launch file does not say what it runs on",
                             "--on dgx-h100 --nodes 8, or --set 'cluster={name: dgx-h100, nodes: 8}'");
    return nullptr;
  }
  const bool is_said = std::any_of(overrides.begin(), overrides.end(),
                                   [](const Override& override) { return override.path == "cluster.nodes"; });
  return with_nodes(changed, job.nodes, is_said);
}

std::set<std::string> paths_of(const std::vector<Override>& overrides) {
  std::set<std::string> paths;
  for (const Override& override : overrides) paths.insert(override.path);
  return paths;
}

}  // namespace

NodePtr job_from_launch_file(LaunchKind kind, const SourcePtr& source, const std::string& text,
                             const std::vector<Override>& overrides, Library& library) {
  Complaints& complaints = library.complaints();
  const std::size_t before = complaints.size();
  const detail::LaunchJob job =
      kind == LaunchKind::megatron
          ? detail::job_from_megatron(source, text, paths_of(overrides), devices_of(overrides, source),
                                      complaints)
          : detail::job_from_torchtitan(source, text, devices_of(overrides, source), complaints);
  return complaints.size() == before ? finished(job, {source, 1, 1}, overrides, library) : nullptr;
}

bool has_launch_arguments(const YamlNode& document) {
  const MapEntry* const arguments = document.find(kLaunchArguments);
  return arguments != nullptr && arguments->value->kind == YamlNode::Kind::map;
}

NodePtr job_from_launch_arguments(const YamlNode& document, const std::vector<Override>& overrides,
                                  Library& library) {
  const std::size_t before = library.complaints().size();
  detail::LaunchJob job =
      detail::job_from_megatron_yaml(*document.find(kLaunchArguments)->value, paths_of(overrides),
                                     devices_of(overrides, document.place.source), library.complaints());
  std::string beside;
  for (const MapEntry& entry : document.entries) {
    if (entry.key != kLaunchArguments) beside += (beside.empty() ? "" : ", ") + entry.key;
  }
  if (!beside.empty()) job.left_out.push_back("keys beside the arguments are not read: " + beside);
  return library.complaints().size() == before ? finished(job, document.place, overrides, library) : nullptr;
}

}  // namespace foreshard
