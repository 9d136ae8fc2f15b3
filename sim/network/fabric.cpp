#include "sim/network/fabric.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard {

namespace {

bool is_of_node(const Vertex& vertex) {
  return vertex.kind == VertexKind::device || vertex.kind == VertexKind::node_switch;
}

BytesPerSecond capacity_of(const ClusterLink& link, const ClusterSpec& cluster) {
  if (!is_of_node(link.from) || !is_of_node(link.to)) return cluster.network.link.efficiency * link.bandwidth;
  const BytesPerSecond reached = cluster.link.efficiency * link.bandwidth;
  const bool reduces = cluster.fabric == NodeFabric::nvswitch && cluster.nccl.has_value();
  return reduces ? std::max(reached, cluster.nccl->nvls_bandwidth) : reached;
}

}  // namespace

Fabric::Fabric(const ClusterSpec& cluster, std::span<const Degradation> degraded)
    : graph_(cluster),
      devices_per_node_(cluster.devices_per_node),
      is_mesh_(cluster.fabric == NodeFabric::mesh) {
  const std::vector<ClusterLink>& links = graph_.links();
  capacities_.reserve(links.size());
  for (const ClusterLink& link : links) capacities_.push_back(capacity_of(link, cluster));
  for (const Degradation& degradation : degraded) {
    bool is_there = false;
    for (std::size_t l = 0; l < links.size(); ++l) {
      if (links[l].from != degradation.vertex && links[l].to != degradation.vertex) continue;
      capacities_[l] = degradation.share * capacities_[l];
      is_there = true;
    }
    if (!is_there)
      throw std::out_of_range(fmt::format("the cluster has no {} with links", to_string(degradation.vertex)));
  }
}

std::string to_string(const ClusterLink& link) {
  return fmt::format("{} → {}", to_string(link.from), to_string(link.to));
}

}  // namespace foreshard
