#pragma once

#include <cstdint>
#include <optional>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// One tier of links as one device sees it: a message of x bytes takes latency + x / bandwidth.
struct Tier {
  BytesPerSecond bandwidth;  ///< reached by large messages
  Seconds latency;
};

/// How one kind of group is placed on the links of a cluster.
/// In a mesh, a device has a link to each other device of its node. A group uses only the links between its
/// own members: if g of a node's d devices belong to it, each member uses g − 1 of its d − 1 links. Without a
/// fabric, the devices of a node communicate through the network, as if each were a node of its own. `across`
/// is one device's own share of the NICs: members of a node that send at the same time do not compete for it.
/// An oversubscribed network reduces each device's share.
struct GroupLinks {
  std::int64_t members = 1;
  std::int64_t per_node = 1;  ///< members on each node
  std::int64_t nodes = 1;
  Tier inside;  ///< between devices of a node; in a mesh, the sum of a member's links to the other members
  Tier across;  ///< between nodes
  std::optional<NcclSpec> nccl;  ///< none: the library is not NCCL, plain rings
  bool is_mesh = false;          ///< each pair of devices in a node has its own link

  /// Bandwidth of a message to another member on the same node: in a mesh, that of the one link between the
  /// two.
  [[nodiscard]] BytesPerSecond to_one_peer() const;
};

/// @throws std::invalid_argument if the group spans a tier that the cluster does not have.
GroupLinks links_of(const Group& group, const ClusterSpec& cluster);
/// The same for any group with this span; every node has the same number of members.
GroupLinks links_of(GroupSpan span, const ClusterSpec& cluster);

}  // namespace foreshard
