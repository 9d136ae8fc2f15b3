#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/cost/cost_model.hpp"

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

/// The latency of one of n − 1 steps when `across` of them cross nodes: their mean.
Seconds mean_latency(std::int64_t members, std::int64_t across, const ClusterSpec& cluster) {
  const auto steps = static_cast<double>(members - 1);
  const auto crossing = static_cast<double>(across);
  return ((steps - crossing) * cluster.link.latency + crossing * cluster.network.link.latency) / steps;
}

}  // namespace

Bytes ring_bytes_sent(CollectiveKind kind, Bytes payload, std::int64_t members) {
  // Each step sends S/n. An all-reduce is a reduce-scatter and an all-gather.
  const std::int64_t steps = (kind == CollectiveKind::all_reduce ? 2 : 1) * (members - 1);
  const Int128 sent = static_cast<Int128>(payload.value()) * steps;
  return Bytes(static_cast<std::int64_t>((sent + members - 1) / members));
}

CostModel::Link CostModel::link_of(const Group& group, const ClusterSpec& cluster) {
  Link link{.members = group.size, .ring = {}, .exchange = {}, .transfer = {}};
  if (group.size <= 1) return link;
  const GroupSpan span = span_of(group, cluster.devices_per_node);
  require_links(group, span, cluster);
  const BytesPerSecond inside = reached(cluster.link);
  const BytesPerSecond across = reached(cluster.network);

  if (span.nodes == 1) {
    link.ring = {inside, cluster.link.latency};
    link.exchange = link.ring;
    link.transfer = link.ring;
    return link;
  }
  // The members on a node run one ring through each of their NICs, so that its share of the network is theirs
  // together; inside the node all these rings share each device's links.
  const BytesPerSecond pooled = static_cast<double>(span.per_node) * across;
  link.ring.bandwidth = span.per_node == 1 ? pooled : std::min(inside, pooled);
  // A block passes from node to node nodes − 1 times on its way around.
  link.ring.latency = mean_latency(group.size, span.nodes - 1, cluster);

  // All-to-all cannot pool: what a device sends to other nodes goes through its own NIC, beside what stays in
  // the node. With a message of x bytes for each peer, max((g−1)·x/inside, (n−g)·x/across) is (n−1)·x over
  // this bandwidth.
  const auto outer = static_cast<double>(group.size - span.per_node);
  const auto inner = static_cast<double>(span.per_node - 1);
  const auto peers = static_cast<double>(group.size - 1);
  link.exchange.bandwidth = across * (peers / outer);
  if (span.per_node > 1)
    link.exchange.bandwidth = std::min(link.exchange.bandwidth, inside * (peers / inner));
  link.exchange.latency = mean_latency(group.size, group.size - span.per_node, cluster);

  // Somewhere neighbours are on different nodes, and they set the pipeline's pace.
  link.transfer = {across, cluster.network.link.latency};
  return link;
}

Seconds CostModel::collective_time(CollectiveKind kind, Bytes payload, GroupKind group) const {
  const Link& link = links_[static_cast<std::size_t>(group)];
  if (link.members <= 1) return {};
  const Pace& pace = kind == CollectiveKind::all_to_all ? link.exchange : link.ring;
  const auto members = static_cast<double>(link.members);
  const double steps = (kind == CollectiveKind::all_reduce ? 2.0 : 1.0) * (members - 1.0);
  return steps * (pace.latency + (payload / pace.bandwidth) / members);
}

Seconds CostModel::transfer_time(Bytes payload) const {
  const Link& link = links_[static_cast<std::size_t>(GroupKind::pp)];
  if (link.members <= 1) return {};
  return link.transfer.latency + payload / link.transfer.bandwidth;
}

}  // namespace foreshard
