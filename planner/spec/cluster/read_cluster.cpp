#include "planner/spec/cluster/read_cluster.hpp"

#include <array>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>

#include "planner/spec/accelerator/host_yaml.hpp"
#include "planner/spec/accelerator/nccl_yaml.hpp"
#include "planner/spec/accelerator/read_accelerator.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

constexpr auto kClusterKeys = std::to_array<KeyInfo>({
    {"name", "of the cluster; without an accelerator, the bundled cluster that the other keys change"},
    {"accelerator", "a name that 'foreshard list accelerators' shows, a path or a map"},
    {"devices_per_node", "accelerators in a node; unsaid, as the accelerator's usual node"},
    {"idle_per_node", "devices of each node that the job leaves idle and pays for", "0"},
    {"nodes", "how many", "1"},
    {"fabric",
     "how the devices of a node are joined: nvswitch, mesh, pcie, shared-memory or none; unsaid, as the "
     "accelerator's usual node"},
    {"link",
     "between devices of one node: {bandwidth: 450 GB/s, efficiency: 0.8, latency: 4 us}; unsaid, as the "
     "accelerator's usual node"},
    {"nccl", "how NCCL runs collectives over an NVSwitch; unsaid, as the accelerator's usual node"},
    {"network",
     "between nodes: {bandwidth_per_device: 400 Gbit/s, latency, efficiency, topology, oversubscription}; "
     "unsaid, as the accelerator's usual node"},
    {"host",
     "a node's CPUs: {memory: 2 TiB, memory_bandwidth: 614 GB/s, link: {bandwidth: 64 GB/s, latency: 10 "
     "us}}; "
     "unsaid, as the accelerator's usual node"},
    {"price_per_device_hour", "as in 2.50 USD/h; unsaid, the accelerator's"},
    {"power_per_device", "the node's overhead included, as in 1275 W; unsaid, the accelerator's"},
    {"source", "where the figures come from"},
    {"notes", "anything else"},
});
constexpr auto kClusterLinkKeys = std::to_array<KeyInfo>({
    {"bandwidth", "of one device, one direction, as in 450 GB/s"},
    {"efficiency", "fraction that large collectives reach"},
    {"latency", "per step of a ring or message, as in 4 us"},
    {"source", "where the figures come from"},
});
constexpr auto kNetworkKeys = std::to_array<KeyInfo>({
    {"bandwidth_per_device", "one device's share of its node's NICs, one direction, as in 400 Gbit/s"},
    {"latency", "of a message, as in 10 us"},
    {"efficiency", "fraction that large collectives reach"},
    {"reached",
     "what large collectives over nodes were measured to reach per device, as in 43 GB/s; in the place of "
     "efficiency"},
    {"topology", "rail-optimised, fat-tree, torus or single-switch", "rail-optimised"},
    {"oversubscription", "down-links of a leaf switch over its up-links; 1: full bisection", "1"},
    {"source", "where the figures come from"},
});

constexpr int kMostReferences = 8;  // longest chain of clusters that refer to another one

NodePtr expand(const NodePtr& node, const std::string& path, Library& library, int references_left) {
  const bool is_name = node->kind == YamlNode::Kind::scalar && !node->text.empty();
  const MapEntry* const name = node->find("name");
  const bool has_base = name != nullptr && node->find("accelerator") == nullptr &&
                        name->value->kind == YamlNode::Kind::scalar && !name->value->text.empty();
  if (!is_name && !has_base) return node;

  const YamlNode& reference = is_name ? *node : *name->value;
  const std::string reference_path = is_name ? path : path.empty() ? "name" : path + ".name";
  if (references_left == 0) {
    library.complaints().add(reference.place, reference_path, "this cluster names itself");
    return nullptr;
  }
  NodePtr base = library.open(ConfigKind::clusters, reference, reference_path);
  if (base == nullptr) return nullptr;
  base = expand(base, "", library, references_left - 1);
  if (base == nullptr || is_name) return base;
  if (base->kind != YamlNode::Kind::map) return base;
  // A link belongs to a fabric: if the fabric is replaced, the old link does not apply.
  const MapEntry* const fabric = node->find("fabric");
  const MapEntry* const base_fabric = base->find("fabric");
  if (fabric != nullptr && base_fabric != nullptr && fabric->value->text != base_fabric->value->text)
    base = without_entry(*base, "link");
  // The name in the map only says which cluster is meant; the cluster keeps its own name.
  return merge_maps(*base, *without_entry(*node, "name"));
}

/// Complains of a map with the name of a bundled cluster and another accelerator: nothing of that cluster but
/// its name would be used.
void check_name(const MapReader& map, Library& library) {
  const NodePtr name = map.value("name");
  const NodePtr accelerator = map.value("accelerator");
  for (const NodePtr& node : {name, accelerator})
    if (node == nullptr || node->kind != YamlNode::Kind::scalar || is_path(node->text)) return;
  std::error_code no_error;
  if (!std::filesystem::is_regular_file(bundled_path(ConfigKind::clusters, name->text), no_error)) return;
  const NodePtr bundled = library.open(ConfigKind::clusters, *name, map.path_of("name"));
  const MapEntry* const own = bundled != nullptr ? bundled->find("accelerator") : nullptr;
  if (own == nullptr || own->value->text == accelerator->text) return;
  map.complain("accelerator",
               fmt::format("{} is not what the bundled cluster {} is made of: {}", accelerator->text,
                           quote(name->text), own->value->text),
               fmt::format("leave the accelerator out, or describe a cluster of another name: {{name: "
                           "my-{}, accelerator: {}, devices_per_node, link, network}}",
                           accelerator->text, accelerator->text));
}

/// Complains if the fabric differs from that of the accelerator's usual node and the cluster gives no link
/// for it.
void check_fabric(const MapReader& map, const ClusterSpec& cluster) {
  const UsualNode& usual = cluster.accelerator.node;
  if (!map.has("fabric") || cluster.fabric == usual.fabric || cluster.fabric == NodeFabric::none) return;
  const NodePtr link = map.value("link");
  std::string missing;
  for (const char* const key : {"bandwidth", "efficiency", "latency"})
    if (link == nullptr || link->find(key) == nullptr)
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", key);
  if (missing.empty()) return;
  map.complain("fabric",
               fmt::format("the link of {} is not known: that of {} is over {}", word_of(cluster.fabric),
                           cluster.accelerator.name, word_of(usual.fabric)),
               fmt::format("link: {{bandwidth: 31 GB/s, efficiency: 0.5, latency: 6 us}} with your figures "
                           "must come along; it lacks {}",
                           missing));
}

/// Reads the link of a cluster. Missing keys have the values of the accelerator's usual node.
LinkSpec read_link(const MapReader& map, const LinkSpec& usual) {
  LinkSpec link = usual;
  const std::optional<MapReader> reader = map.child("link", kClusterLinkKeys);
  if (!reader) return link;
  link.bandwidth = reader->optional("bandwidth", Measured<BytesPerSecond>{}, usual.bandwidth);
  link.efficiency = reader->optional("efficiency", Fraction{}, usual.efficiency);
  link.latency = reader->optional("latency", kDelay, usual.latency);
  reader->maybe("source", Text{});
  return link;
}

/// The efficiency that follows from a measured rate, if there is one.
std::optional<double> reached_efficiency(const MapReader& network, BytesPerSecond bandwidth) {
  const std::optional<BytesPerSecond> reached = network.maybe("reached", Measured<BytesPerSecond>{});
  if (!reached) return std::nullopt;
  if (network.has("efficiency"))
    network.complain("reached", "reached and efficiency say the same", "leave one of them out");
  const double efficiency = *reached / bandwidth;
  if (efficiency > 1.0) {
    network.complain("reached", "more than bandwidth_per_device",
                     "the bus bandwidth of one device, in one direction");
    return std::nullopt;
  }
  return efficiency;
}

NetworkSpec read_network(const MapReader& map, const LinkSpec& usual) {
  NetworkSpec network;
  network.link = usual;
  const std::optional<MapReader> reader = map.child("network", kNetworkKeys);
  if (!reader) return network;
  network.link.bandwidth =
      reader->optional("bandwidth_per_device", Measured<BytesPerSecond>{}, usual.bandwidth);
  network.link.latency = reader->optional("latency", kDelay, usual.latency);
  network.link.efficiency = reader->optional("efficiency", Fraction{}, usual.efficiency);
  if (const auto efficiency = reached_efficiency(*reader, network.link.bandwidth))
    network.link.efficiency = *efficiency;
  network.topology = reader->optional("topology", Choice<Topology>{}, network.topology);
  network.oversubscription = reader->optional("oversubscription", RealNumber{1.0, 1000.0}, 1.0);
  reader->maybe("source", Text{});
  return network;
}

ClusterSpec read_cluster_map(const MapReader& map, Library& library) {
  ClusterSpec cluster;
  if (const NodePtr accelerator = map.value("accelerator")) {
    cluster.accelerator = read_accelerator(accelerator, map.node()->find("accelerator")->key_place,
                                           map.path_of("accelerator"), library);
  } else {
    map.complain_of_missing("accelerator");
  }
  const AcceleratorSpec& accelerator = cluster.accelerator;
  const std::string fallback =
      map.path().empty() ? name_from_file(map.owner(), accelerator.name) : accelerator.name;
  cluster.name = map.optional("name", Text{}, fallback);
  check_name(map, library);
  cluster.devices_per_node =
      map.optional("devices_per_node", WholeNumber{1, 10'000}, accelerator.node.devices);
  cluster.idle_per_node = map.optional("idle_per_node", WholeNumber{0, 9'999}, 0);
  if (cluster.idle_per_node < cluster.devices_per_node) {
    cluster.devices_per_node -= cluster.idle_per_node;
  } else {
    map.complain("idle_per_node", fmt::format("{} of the {} devices of a node would leave none to the job",
                                              cluster.idle_per_node, cluster.devices_per_node));
    cluster.idle_per_node = 0;
  }
  cluster.nodes = map.optional("nodes", WholeNumber{1, 1'000'000}, 1);
  cluster.fabric = map.optional("fabric", Choice<NodeFabric>{}, accelerator.node.fabric);
  cluster.nccl = read_nccl(map, accelerator.node.nccl);
  cluster.network = read_network(map, accelerator.node.network);
  cluster.host = read_host(map, accelerator.node.host);
  // Without a fabric inside the node, its devices communicate through their NICs.
  const bool through_network =
      cluster.fabric == NodeFabric::none && accelerator.node.fabric != NodeFabric::none;
  cluster.link = read_link(map, through_network ? cluster.network.link : accelerator.node.link);
  check_fabric(map, cluster);
  cluster.price = map.maybe("price_per_device_hour", Measured<DollarsPerSecond>{true});
  if (!cluster.price) cluster.price = accelerator.price;
  cluster.power = map.maybe("power_per_device", Measured<Watts>{});
  if (!cluster.power) cluster.power = accelerator.power;
  map.maybe("source", Text{});
  map.maybe("notes", Text{});
  return cluster;
}

}  // namespace

KeyTable cluster_keys() { return kClusterKeys; }
KeyTable cluster_link_keys() { return kClusterLinkKeys; }
KeyTable network_keys() { return kNetworkKeys; }

NodePtr expand_cluster(const NodePtr& node, const std::string& path, Library& library) {
  return expand(node, path, library, kMostReferences);
}

ClusterSpec read_cluster(const NodePtr& node, const Place& owner, const std::string& path, Library& library) {
  const NodePtr expanded = expand_cluster(node, path, library);
  if (expanded == nullptr) return {};
  // Complaints about a cluster in a file of its own have paths in that file; those about a map inside a job
  // have the job's paths.
  const bool elsewhere = expanded->place.source != node->place.source;
  const auto map = elsewhere ? MapReader::open(expanded, expanded->place, "", kClusterKeys,
                                               "a map that describes a cluster", library.complaints())
                             : MapReader::open(expanded, owner, path, kClusterKeys,
                                               "a cluster's name, a path or a map", library.complaints());
  return map ? read_cluster_map(*map, library) : ClusterSpec{};
}

}  // namespace foreshard
