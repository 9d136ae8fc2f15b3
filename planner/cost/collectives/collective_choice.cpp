#include "planner/cost/collectives/collective_choice.hpp"

#include <algorithm>

namespace foreshard {
namespace {

/// The mean latency of the n − 1 steps of a ring of which `across` cross nodes.
Seconds mean_latency(const GroupLinks& links, std::int64_t across) {
  const auto steps = static_cast<double>(links.members - 1);
  const auto crossing = static_cast<double>(across);
  return ((steps - crossing) * links.inside.latency + crossing * links.across.latency) / steps;
}

}  // namespace

BytesPerSecond ring_bus_bandwidth(const GroupLinks& links) {
  if (links.nodes == 1) return links.inside.bandwidth;
  const BytesPerSecond pooled = static_cast<double>(links.per_node) * links.across.bandwidth;
  if (links.per_node == 1) return pooled;
  // In a mesh, g rings pass through a node, and each of its g·(g − 1) directed links carries one of them.
  if (links.is_mesh) return std::min(static_cast<double>(links.per_node) * links.to_one_peer(), pooled);
  return std::min(links.inside.bandwidth, pooled);
}

BytesPerSecond exchange_bandwidth(const GroupLinks& links) {
  // With x = S/n bytes for each peer, the time is max((g−1)·x/inside, (n−g)·x/across).
  const auto members = static_cast<double>(links.members);
  const auto inner = static_cast<double>(links.per_node - 1);
  const auto outer = static_cast<double>(links.members - links.per_node);
  if (links.nodes == 1) return links.inside.bandwidth * (members / inner);
  const BytesPerSecond across = links.across.bandwidth * (members / outer);
  if (links.per_node == 1) return across;
  return std::min(across, links.inside.bandwidth * (members / inner));
}

AlgorithmCosts plain_algorithms(CollectiveKind kind, const GroupLinks& links) {
  const auto members = static_cast<double>(links.members);
  AlgorithmCosts costs;
  if (kind == CollectiveKind::all_to_all) {
    const Seconds latency =
        (members - 1.0) * mean_latency(links, links.nodes == 1 ? 0 : links.members - links.per_node);
    costs.add({.choice = {.algorithm = CollectiveAlgorithm::pairwise},
               .latency = latency,
               .bandwidth = exchange_bandwidth(links)});
    return costs;
  }
  const double steps = (kind == CollectiveKind::all_reduce ? 2.0 : 1.0) * (members - 1.0);
  // A piece of data crosses between nodes nodes − 1 times on its way around the ring.
  costs.add(
      {.choice = {.algorithm = CollectiveAlgorithm::ring, .rails = links.nodes == 1 ? 1 : links.per_node},
       .latency = steps * mean_latency(links, links.nodes - 1),
       .bandwidth = ring_bus_bandwidth(links) * (members / steps)});
  return costs;
}

AlgorithmCosts algorithm_costs(CollectiveKind kind, const GroupLinks& links) {
  return links.nccl ? nccl_algorithms(kind, links) : plain_algorithms(kind, links);
}

AlgorithmCost transfer_cost(const GroupLinks& links) {
  const bool is_inside = links.nodes == 1;
  AlgorithmCost cost{.choice = {.algorithm = CollectiveAlgorithm::pairwise},
                     .latency = is_inside ? links.inside.latency : links.across.latency,
                     .bandwidth = is_inside ? links.to_one_peer() : links.across.bandwidth};
  if (links.nccl) {
    cost.choice.protocol = CollectiveProtocol::simple;
    cost.latency += links.nccl->fixed;
  }
  return cost;
}

}  // namespace foreshard
