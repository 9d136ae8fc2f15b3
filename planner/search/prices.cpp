#include "planner/search/prices.hpp"

namespace foreshard {

void set_price(ClusterSpec& cluster, std::span<const ClusterPrice> prices) {
  for (const ClusterPrice& price : prices) {
    if (price.cluster == cluster.name) cluster.price = price.per_device;
  }
}

}  // namespace foreshard
