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
  BytesPerSecond bandwidth;  ///< as large messages reach it
  Seconds latency;
};

/// How one kind of group lies on the links of a cluster. A device of a mesh has a link to each other device of its
/// node, and a group uses those between its own members alone: g members of a node of d have g − 1 links of the
/// d − 1 each. Without a fabric, devices of a node meet in the network, as if each were a node. `across` is one device's own share of the NICs: the
/// members of a node that send at the same time do not take it from each other, and an oversubscribed fabric
/// gives each of them less.
struct GroupLinks {
  std::int64_t members = 1;
  std::int64_t per_node = 1;  ///< members that share a node
  std::int64_t nodes = 1;
  Tier inside;  ///< between devices of a node; in a mesh, a member's links to the others together
  Tier across;  ///< between nodes
  std::optional<NcclSpec> nccl;  ///< none: plain rings
  bool is_mesh = false;          ///< each two devices of a node have a link of their own

  /// What one message to another member of the node reaches: in a mesh, the one link between the two.
  [[nodiscard]] BytesPerSecond to_one_peer() const;
};

/// @throws std::invalid_argument where the group spans a tier that the cluster does not have.
GroupLinks links_of(const Group& group, const ClusterSpec& cluster);
/// The same for a group that lies so on the nodes, whatever its kind; every node holds as many members.
GroupLinks links_of(GroupSpan span, const ClusterSpec& cluster);

}  // namespace foreshard
