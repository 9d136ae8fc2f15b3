#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/calibrate/fit_link.hpp"
#include "runtime/comm/mpi_session.hpp"

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

/// Measures collectives and transfers of 4 KiB to 16 MiB: within each host between all its ranks, all hosts
/// at the same time; across hosts between ranks of equal place, all places at the same time, so that they
/// share the network as in a real step. All ranks together.
/// @param each  time for one operation of one size
LinkMeasurements measure_links(const MpiSession& session, Seconds each,
                               const std::function<void(int done, int of)>& progress);

}  // namespace foreshard
