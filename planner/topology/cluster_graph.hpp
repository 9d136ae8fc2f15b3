#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/topology/route.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Down-links of a leaf switch: half of the 64 ports of a 400 Gbit/s switch. A rail-optimised pod is 32 nodes
/// with one leaf per rail. Source: NVIDIA DGX SuperPOD H100 reference architecture (RA-11333-001), whose
/// scalable unit is 32 nodes on 8 leaf switches.
inline constexpr std::int64_t kLeafDownLinks = 32;

/// Devices, switches and NICs of a cluster and the links between them, built from a ClusterSpec. Ranks fill
/// nodes in order.
///
///   inside a node   nvswitch, pcie, shared_memory: every device on one switch, at the node link's bandwidth
///                   mesh: a link between each two devices, the node link's bandwidth shared among them
///                   none: devices of a node meet in the network
///   between nodes   rail_optimised: NIC i of every node of a pod on leaf i; leaves meet in the spine
///                   fat_tree: all NICs of a node on one leaf; leaves meet in the spine
///                   single_switch: all NICs on one switch
///                   torus: one router per node, the nodes in a ring, each neighbour at half the NICs' sum
/// Up-links of a leaf are one link: down-links · bandwidth / oversubscription. The latencies of the spec are
/// those of a whole message, so each of the two ends of a path inside a node or a network carries half.
class ClusterGraph {
 public:
  explicit ClusterGraph(const ClusterSpec& cluster);
  ~ClusterGraph();
  ClusterGraph(ClusterGraph&&) noexcept;
  ClusterGraph& operator=(ClusterGraph&&) noexcept;

  [[nodiscard]] std::size_t count(VertexKind kind) const;
  /// All links, each direction of a cable on its own, grouped by the vertex that they leave.
  [[nodiscard]] const std::vector<ClusterLink>& links() const;
  /// The path of fewest links, the same on every call; devices do not forward. Among equals the link laid
  /// first wins. @throws std::out_of_range for a rank that the cluster does not have.
  [[nodiscard]] NetworkRoute route(Rank from, Rank to) const;
  /// The same as places in links(). Searches from both ends at once, so that it looks at a few racks and not
  /// at the cluster.
  [[nodiscard]] std::vector<std::uint32_t> path(Rank from, Rank to) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreshard
