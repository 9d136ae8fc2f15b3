#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// The kinds of vertices that a cluster's links connect.
enum class VertexKind : std::uint8_t {
  device,
  node_switch,   ///< NVSwitch, PCIe root, or the shared memory of one node
  nic,           ///< one device's network port; in a torus the router of one node
  leaf_switch,   ///< a leaf, or the only switch
  spine_switch,  ///< all spines as one: traffic is assumed to spread evenly over them
};

/// A device, switch or NIC of a cluster.
struct Vertex {
  VertexKind kind = VertexKind::device;
  std::int64_t index = 0;  ///< among the vertices of its kind; for a device its rank
  friend constexpr bool operator==(const Vertex&, const Vertex&) = default;
};

/// "device 3", "leaf switch 0"
std::string to_string(const Vertex& vertex);

/// One direction of a cable, or of a bundle of parallel cables.
struct ClusterLink {
  Vertex from;
  Vertex to;
  BytesPerSecond bandwidth;  ///< from the datasheet, as in the cluster's YAML
  Seconds latency;
};

/// The links that a message crosses, first to last. A route from a device to itself has no links.
struct NetworkRoute {
  std::vector<ClusterLink> links;

  /// The smallest bandwidth of all links; infinite if there are none.
  [[nodiscard]] BytesPerSecond bottleneck() const;
  /// The sum of the links' latencies.
  [[nodiscard]] Seconds latency() const;
};

}  // namespace foreshard
