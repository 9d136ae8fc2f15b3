#include "planner/cost/collectives/group_links.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {
namespace {

/// Bandwidth that large messages reach on a link.
BytesPerSecond reached(const LinkSpec& link) { return link.efficiency * link.bandwidth; }

/// One device's share of its node's NICs when all devices talk across nodes at once.
BytesPerSecond reached(const NetworkSpec& network) {
  return reached(network.link) / std::max(1.0, network.oversubscription);
}

/// Bandwidth that a member reaches within its node, if `span.per_node` devices of the node belong to the
/// group.
BytesPerSecond reached_inside(GroupSpan span, const ClusterSpec& cluster) {
  const BytesPerSecond all_links = reached(cluster.link);
  if (cluster.fabric != NodeFabric::mesh || cluster.devices_per_node < 2) return all_links;
  return all_links *
         (static_cast<double>(span.per_node - 1) / static_cast<double>(cluster.devices_per_node - 1));
}

void require_links(const Group& group, GroupSpan span, const ClusterSpec& cluster) {
  if (span.per_node > 1 && !(reached(cluster.link) > BytesPerSecond()))
    throw std::invalid_argument(
        fmt::format("group {} spans {} devices of a node, but cluster {} has no link between them",
                    to_string(group.kind), span.per_node, cluster.name));
  if (span.nodes > 1 && !(reached(cluster.network) > BytesPerSecond()))
    throw std::invalid_argument(
        fmt::format("group {} spans {} nodes, but cluster {} has no network between them",
                    to_string(group.kind), span.nodes, cluster.name));
}

}  // namespace

BytesPerSecond GroupLinks::to_one_peer() const {
  return is_mesh && per_node > 1 ? inside.bandwidth / static_cast<double>(per_node - 1) : inside.bandwidth;
}

GroupLinks links_of(const Group& group, const ClusterSpec& cluster) {
  if (group.size <= 1) return {};
  GroupSpan span = span_of(group, cluster.devices_per_node);
  if (cluster.fabric == NodeFabric::none) span = {.per_node = 1, .nodes = group.size};
  require_links(group, span, cluster);
  GroupLinks links = links_of(span, cluster);
  links.members = group.size;  // not per_node · nodes: the last node may have fewer members
  return links;
}

GroupLinks links_of(GroupSpan span, const ClusterSpec& cluster) {
  GroupLinks links{.members = checked_product(span.per_node, span.nodes),
                   .per_node = span.per_node,
                   .nodes = span.nodes,
                   .inside = {reached_inside(span, cluster), cluster.link.latency},
                   .across = {reached(cluster.network), cluster.network.link.latency},
                   .nccl = {},
                   .is_mesh = cluster.fabric == NodeFabric::mesh};
  // NCCL's constants hold for nodes with NVSwitch. Over PCIe or a mesh, NCCL runs rings, priced as plain
  // ones.
  if (cluster.fabric == NodeFabric::nvswitch) links.nccl = cluster.nccl;
  return links;
}

}  // namespace foreshard
