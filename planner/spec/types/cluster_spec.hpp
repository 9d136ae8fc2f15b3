#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

enum class Topology : std::uint8_t { rail_optimised, fat_tree, torus, single_switch };

struct NetworkSpec {
  LinkSpec link;  ///< one device's share of its node's NICs, one direction
  Topology topology = Topology::rail_optimised;
  double oversubscription = 1.0;  ///< a leaf's down-link over its up-link bandwidth; 1 = full bisection
};

/// Nodes of equal accelerators and the network between them.
struct ClusterSpec {
  std::string name;
  AcceleratorSpec accelerator;
  std::int64_t devices_per_node = 1;  ///< devices that the job uses
  std::int64_t idle_per_node = 0;     ///< further devices of a node, which are idle but paid for
  std::int64_t nodes = 1;
  NodeFabric fabric = NodeFabric::none;
  LinkSpec link;                 ///< between devices of one node
  std::optional<NcclSpec> nccl;  ///< NCCL on NVSwitch nodes; none: collectives are plain rings
  NetworkSpec network;
  std::optional<HostSpec> host;  ///< of each node; none: not known, and nothing can be offloaded to it
  std::optional<DollarsPerSecond> price;  ///< per device
  std::optional<Watts> power;             ///< per device, the node's overhead included

  [[nodiscard]] constexpr std::int64_t devices() const { return checked_product(devices_per_node, nodes); }
  [[nodiscard]] constexpr std::int64_t idle_devices() const { return checked_product(idle_per_node, nodes); }
  [[nodiscard]] constexpr std::int64_t paid_devices() const {
    return checked_product(devices_per_node + idle_per_node, nodes);
  }
};

}  // namespace foreshard
