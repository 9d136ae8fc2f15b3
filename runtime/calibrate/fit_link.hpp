#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/spec/types/accelerator_spec.hpp"
#include "runtime/measure/measure_link.hpp"

namespace foreshard {

/// The measured time of one operation of one size on a link.
struct MeasuredLink {
  LinkOperation operation = LinkOperation::all_reduce;  ///< a collective of the planner, or a transfer
  Bytes payload{};
  LinkTime time{};  ///< time.ranks is the size of the group
};

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
  bool across_nodes = false;             ///< whether every member is on a node of its own
};

/// Fits bandwidth and latency of a link so that the planner's model of collectives and transfers reproduces
/// the measurements: minimises the mean of |log(predicted/measured)|. Pure and deterministic.
/// @pre there is at least one measurement; all are of groups of several ranks on equal links; none is an
/// exchange
FittedLink fit_link(const std::vector<MeasuredLink>& measured, const LinkPlace& place = {});

}  // namespace foreshard
