#pragma once

#include <span>
#include <string>

#include "planner/spec/types/cluster_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The price of a device of a cluster, as the user gives it.
struct ClusterPrice {
  std::string cluster;  ///< its name
  DollarsPerSecond per_device;
};

/// Sets the cluster's price to the one given for its name, if there is one; the last of several.
void set_price(ClusterSpec& cluster, std::span<const ClusterPrice> prices);

}  // namespace foreshard
