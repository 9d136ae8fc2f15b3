#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/topology/cluster_graph.hpp"
#include "planner/units/quantity.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// A degradation of all links from and to one vertex: they carry only this share of their bandwidth.
struct Degradation {
  Vertex vertex;
  double share = 1.0;
};

/// The links of a cluster with the capacity that flows can use, and the routes between devices.
class Fabric {
 public:
  /// The capacity of a link is what large messages reach on it: bandwidth · efficiency, as in the cost model.
  /// In a node whose switch reduces data (NVLS), it is at least the rate that the reduction reaches.
  /// @throws std::out_of_range for a vertex that the cluster does not have
  explicit Fabric(const ClusterSpec& cluster, std::span<const Degradation> degraded = {});

  [[nodiscard]] std::span<const BytesPerSecond> capacities() const { return capacities_; }
  [[nodiscard]] const ClusterLink& link(std::uint32_t index) const { return graph_.links()[index]; }
  [[nodiscard]] std::vector<std::uint32_t> path(Rank from, Rank to) const { return graph_.path(from, to); }
  /// True where the devices of a node are linked directly to each other instead of by a switch.
  [[nodiscard]] bool is_mesh() const { return is_mesh_; }
  [[nodiscard]] std::int64_t node_of(Rank device) const { return device.value() / devices_per_node_; }

 private:
  ClusterGraph graph_;
  std::int64_t devices_per_node_;
  bool is_mesh_;
  std::vector<BytesPerSecond> capacities_;
};

/// "nic 3 → leaf switch 3"
std::string to_string(const ClusterLink& link);

}  // namespace foreshard
