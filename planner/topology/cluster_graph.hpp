#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/topology/route.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Down-links of a leaf switch: half of the 64 ports of a 400 Gbit/s switch. A rail-optimised pod has 32
/// nodes and one leaf per rail. Source: NVIDIA DGX SuperPOD H100 reference architecture (RA-11333-001), whose
/// scalable unit is 32 nodes on 8 leaf switches.
inline constexpr std::int64_t kLeafDownLinks = 32;

/// The graph of a cluster: its devices, switches and NICs, and the links between them. It is built from a
/// ClusterSpec. Ranks fill nodes in order.
///
///   inside a node   nvswitch, pcie, shared_memory: every device on one switch, at the node link's bandwidth
///                   mesh: a link between each two devices; they share the node link's bandwidth
///                   none: the devices of a node are connected only through the network
///   between nodes   rail_optimised: NIC i of every node of a pod on leaf i; leaves connect to the spine
///                   fat_tree: all NICs of a node on one leaf; leaves connect to the spine
///                   single_switch: all NICs on one switch
///                   torus: one router per node, the nodes in a ring; a link to each neighbour has half of
///                   the bandwidth of all NICs of a node
/// The up-links of a leaf are one link of bandwidth down-links · bandwidth / oversubscription. The latencies
/// in the spec are those of a whole message, so each of the two end links of a path inside a node or a
/// network has half of it.
class ClusterGraph {
 public:
  explicit ClusterGraph(const ClusterSpec& cluster);
  ~ClusterGraph();
  ClusterGraph(ClusterGraph&&) noexcept;
  ClusterGraph& operator=(ClusterGraph&&) noexcept;

  [[nodiscard]] std::size_t count(VertexKind kind) const;
  /// All links, one per direction of a cable, grouped by the vertex from which they start.
  [[nodiscard]] const std::vector<ClusterLink>& links() const;
  /// The path with the fewest links; the same on every call. Devices do not forward messages. Among equally
  /// short paths the one with the link that was added first wins.
  /// @throws std::out_of_range for a rank that the cluster does not have
  [[nodiscard]] NetworkRoute route(Rank from, Rank to) const;
  /// The same path as indices into links(). The search runs from both ends at once, so it visits a few racks
  /// instead of the whole cluster.
  [[nodiscard]] std::vector<std::uint32_t> path(Rank from, Rank to) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreshard
