#include "planner/cost/collectives/group_links.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {
namespace {

/// What large messages reach on a link.
BytesPerSecond reached(const LinkSpec& link) { return link.efficiency * link.bandwidth; }

/// One device's share of its node's NICs when all devices talk across nodes at once.
BytesPerSecond reached(const NetworkSpec& network) {
  return reached(network.link) / std::max(1.0, network.oversubscription);
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

GroupLinks links_of(const Group& group, const ClusterSpec& cluster) {
  if (group.size <= 1) return {};
  const GroupSpan span = span_of(group, cluster.devices_per_node);
  require_links(group, span, cluster);
  GroupLinks links = links_of(span, cluster);
  links.members = group.size;  // the last node may hold fewer of them
  return links;
}

GroupLinks links_of(GroupSpan span, const ClusterSpec& cluster) {
  GroupLinks links{.members = checked_product(span.per_node, span.nodes),
                   .per_node = span.per_node,
                   .nodes = span.nodes,
                   .inside = {reached(cluster.link), cluster.link.latency},
                   .across = {reached(cluster.network), cluster.network.link.latency},
                   .nccl = {}};
  // NCCL's constants are those of NVSwitch nodes; over PCIe or a mesh it runs rings.
  if (cluster.fabric == NodeFabric::nvswitch) links.nccl = cluster.nccl;
  return links;
}

}  // namespace foreshard
