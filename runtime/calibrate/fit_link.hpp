#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/spec/accelerator/accelerator_spec.hpp"
#include "runtime/measure/measure_link.hpp"

namespace foreshard {

/// One operation of some size on a link, as it was measured.
struct MeasuredLink {
  LinkOperation operation = LinkOperation::all_reduce;  ///< a collective of the planner, or a transfer
  Bytes payload{};
  LinkTime time{};  ///< its ranks are the group's
};

/// How well a link's two figures reproduce one operation.
struct LinkFit {
  LinkOperation operation = LinkOperation::all_reduce;
  std::int64_t sizes = 0;     ///< measured
  BytesPerSecond best{};      ///< bytes that one rank sends, per second, at the best of the sizes
  double mean_error = 0.0;    ///< mean of |predicted/measured − 1|
  double residual = 0.0;      ///< standard deviation of log(predicted/measured)
  double unsteadiness = 0.0;  ///< median over sizes of half the interquartile range over the median
};

struct FittedLink {
  LinkSpec link;  ///< bandwidth as collectives reach it: efficiency 1
  std::vector<LinkFit> fits;
};

/// What a link's collectives run on.
struct LinkPlace {
  NodeFabric fabric = NodeFabric::none;  ///< within a node
  std::optional<NcclSpec> nccl{};        ///< none: plain rings
  bool across_nodes = false;             ///< every member on a node of its own
};

/// The bandwidth and latency with which the planner's model of collectives and transfers comes nearest to
/// what was measured: the mean of |log(predicted/measured)| is least. Pure and deterministic.
/// @pre at least one measurement, all of groups of more than one rank on equal links, and no exchange
FittedLink fit_link(const std::vector<MeasuredLink>& measured, const LinkPlace& place = {});

}  // namespace foreshard
