#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/units/quantity.hpp"

namespace foreshard {

/// What stands at the ends of a cluster's links.
enum class VertexKind : std::uint8_t {
  device,
  node_switch,   ///< NVSwitch, PCIe root, or the shared memory of one node
  nic,           ///< one device's network port; under a torus the router of one node
  leaf_switch,   ///< or the only switch
  spine_switch,  ///< all spines as one: traffic spreads evenly over them
};

/// A thing with links in a cluster.
struct Vertex {
  VertexKind kind = VertexKind::device;
  std::int64_t index = 0;  ///< among its kind; of a device its rank
  friend constexpr bool operator==(const Vertex&, const Vertex&) = default;
};

/// "device 3", "leaf switch 0"
std::string to_string(const Vertex& vertex);

/// One direction of a cable, or of a bundle of parallel cables.
struct ClusterLink {
  Vertex from;
  Vertex to;
  BytesPerSecond bandwidth;  ///< as the cluster's YAML says: the datasheet's
  Seconds latency;
};

/// The links that a message crosses, first to last; none from a device to itself.
struct NetworkRoute {
  std::vector<ClusterLink> links;

  /// The least bandwidth on the way; infinite where there is no link to cross.
  [[nodiscard]] BytesPerSecond bottleneck() const;
  /// The sum of the links' latencies.
  [[nodiscard]] Seconds latency() const;
};

}  // namespace foreshard
