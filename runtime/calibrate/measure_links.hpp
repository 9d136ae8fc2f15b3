#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/fit/fit_link.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// How the ranks of a run are distributed over hosts.
struct HostLayout {
  std::int64_t hosts = 1;
  std::int64_t ranks_per_host = 1;
};

/// Says what is wrong with the distribution of ranks over hosts, or nothing: every host must have the same
/// number of ranks, and the ranks of a host must be consecutive.
std::optional<std::string> host_layout_complaint(std::span<const std::string> hosts);
/// @pre host_layout_complaint(hosts) is empty
HostLayout host_layout(std::span<const std::string> hosts);

/// Measurements between ranks of one host, and between hosts; empty if there is only one rank per host, or
/// one host.
struct LinkMeasurements {
  std::vector<MeasuredLink> in_node;
  std::vector<MeasuredLink> network;
};

/// What ranks communicate with while links are measured.
struct LinkEnds {
  Device& device;  ///< the buffers are in its memory
  /// Makes a communicator for the ranks of a mesh; all ranks call it together.
  std::function<std::unique_ptr<Communicator>(const DeviceMesh& mesh)> connect;
};

/// How much is measured.
struct LinkPlan {
  Seconds each{0.3};                     ///< for one operation of one size
  Bytes largest{std::int64_t{1} << 24};  ///< the sizes are from this/4096 to this
};

/// Measures collectives and transfers. Within hosts: between all ranks of each host, on all hosts at the same
/// time. Between hosts: between ranks with the same position on their hosts, for all positions at the same
/// time, so that they share the network as in a real step. Example: 2 hosts with 4 ranks each form the groups
/// {0,1,2,3} {4,5,6,7} within hosts, and {0,4} {1,5} {2,6} {3,7} between hosts. All ranks call it together.
LinkMeasurements measure_links(const MpiSession& session, const LinkEnds& ends, const LinkPlan& plan,
                               const std::function<void(int done, int of)>& progress);

}  // namespace foreshard
