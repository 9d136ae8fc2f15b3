#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/fit/measured_link.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/spec/types/accelerator_spec.hpp"

namespace foreshard {

/// How well the fitted bandwidth and latency reproduce one operation.
struct LinkFit {
  LinkOperation operation = LinkOperation::all_reduce;
  std::int64_t sizes = 0;     ///< number of sizes measured
  BytesPerSecond best{};      ///< bytes that one rank sends per second, at the best size
  double mean_error = 0.0;    ///< mean of |predicted/measured − 1|
  double residual = 0.0;      ///< standard deviation of log(predicted/measured)
  double unsteadiness = 0.0;  ///< median over the sizes of (half the interquartile range)/median
};

struct FittedLink {
  LinkSpec link;  ///< the bandwidth that collectives reach, with efficiency 1
  std::vector<LinkFit> fits;
};

/// Where a link is, and how its collectives run.
struct LinkPlace {
  NodeFabric fabric = NodeFabric::none;  ///< within a node
  std::optional<NcclSpec> nccl{};        ///< absent: ring algorithms without NCCL's model
  bool across_nodes = false;             ///< whether the link is the one between nodes
  std::int64_t per_node = 1;             ///< members on each node, if it is
  std::optional<LinkSpec>
      inside{};  ///< the link within these nodes; none: every member has a node of its own
  /// What the link is by its datasheet: a fitted bandwidth is not above it, and a fitted latency within a factor of 10
  /// of it, where that is not 0. None: both are free.
  std::optional<LinkSpec> nominal{};
};

/// The operation's collective. @throws std::invalid_argument for transfers and exchanges
CollectiveKind collective_of(LinkOperation operation);

/// The time that the planner's model gives the measured operation on this link.
Seconds predicted(const MeasuredLink& measured, const LinkSpec& link, const LinkPlace& place);

/// Bus bandwidth as nccl-tests counts it: what one rank sends in a ring, over `time`; of a transfer its bytes.
BytesPerSecond bus_bandwidth(const MeasuredLink& measured, Seconds time);

/// Fits bandwidth and latency of a link so that the planner's model of collectives and transfers reproduces
/// the measurements: minimises the mean of |log(predicted/measured)|. Pure and deterministic.
/// @pre there is at least one measurement; all are of groups of several ranks on equal links; none is an
/// exchange
FittedLink fit_link(const std::vector<MeasuredLink>& measured, const LinkPlace& place = {});

/// Fits the rate of a switch that reduces to measured all-reduces within one node, all else as in `place`.
/// @pre there is at least one measurement, and place.nccl
BytesPerSecond fit_nvls(const std::vector<MeasuredLink>& measured, const LinkSpec& link, LinkPlace place);

}  // namespace foreshard
