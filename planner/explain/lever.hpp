#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/spec/types/cluster_spec.hpp"

namespace foreshard {

/// What a buyer may get more of.
enum class Lever : std::uint8_t {
  peak_rate,  ///< of products in every data type, and with it of attention
  memory_bandwidth,
  memory_size,
  node_bandwidth,     ///< of the links between a node's devices, and of the switch that reduces
  network_bandwidth,  ///< a device's share of its node's NICs
  latency,            ///< less of it: of links, of collectives' starts, of kernels and their launches
  node_size           ///< twice the devices in a node and half the nodes
};
inline constexpr std::array kLevers{Lever::peak_rate,      Lever::memory_bandwidth,  Lever::memory_size,
                                    Lever::node_bandwidth, Lever::network_bandwidth, Lever::latency,
                                    Lever::node_size};

/// By how much a lever is moved: 10% more, or for latency less.
inline constexpr double kMore = 0.1;

/// True if the lever can be moved: nodes have links and can be paired.
bool applies(Lever lever, const ClusterSpec& cluster);

/// The cluster with (1 + more) times as much of one thing; of latency (1 − more) times as much. Nodes are paired
/// whatever `more` is. With more = 0 and another lever than node_size, the cluster as it is.
/// @pre applies(lever, cluster)
ClusterSpec with_more(ClusterSpec cluster, Lever lever, double more = kMore);

}  // namespace foreshard
