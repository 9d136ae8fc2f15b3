#pragma once

#include <span>
#include <string>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What a device of a cluster costs, as a buyer was told.
struct ClusterPrice {
  std::string cluster;  ///< its name
  DollarsPerSecond per_device;
};

/// Gives the cluster the price that was said for its name, if one was; of several the last.
void set_price(ClusterSpec& cluster, std::span<const ClusterPrice> prices);

}  // namespace foreshard
