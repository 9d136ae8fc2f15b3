#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/topology/device_mesh.hpp"
#include "runtime/calibrate/fit_link.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// How the ranks of a run lie on hosts.
struct HostLayout {
  std::int64_t hosts = 1;
  std::int64_t ranks_per_host = 1;
};

/// What is wrong with where the ranks lie: a cluster has the same number of devices on every node, and
/// neighbours share a node. Nothing where all is well.
std::optional<std::string> host_layout_complaint(std::span<const std::string> hosts);
/// @pre there is nothing to complain of
HostLayout host_layout(std::span<const std::string> hosts);

/// What was measured between ranks of one host, and across hosts; empty where there is only one of them.
struct LinkMeasurements {
  std::vector<MeasuredLink> in_node;
  std::vector<MeasuredLink> network;
};

/// What ranks talk through while links are measured.
struct LinkEnds {
  Device& device;  ///< whose memory is carried
  /// Over the ranks of a mesh; all ranks together.
  std::function<std::unique_ptr<Communicator>(const DeviceMesh& mesh)> connect;
};

/// How much is measured.
struct LinkPlan {
  Seconds each{0.3};                     ///< for one operation of one size
  Bytes largest{std::int64_t{1} << 24};  ///< sizes are this down to a 4096th of it
};

/// Measures collectives and transfers: within each host between all its ranks, all hosts
/// at the same time; across hosts between ranks of equal place, all places at the same time, so that they
/// share the network as in a real step. All ranks together.
LinkMeasurements measure_links(const MpiSession& session, const LinkEnds& ends, const LinkPlan& plan,
                               const std::function<void(int done, int of)>& progress);

}  // namespace foreshard
