#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The experts of every token in one run, to send the tokens to the same experts in another run. Without
/// this, rounding can change the choice between two experts with nearly equal scores, and the two runs could
/// not be compared number by number.
class RouteRecord {
 public:
  /// @param micro_batch  counted over all data-parallel ranks
  /// @param routes       (T, 2·per_token) of all its tokens, as Route writes them
  void keep(LayerId layer, std::int64_t micro_batch, std::vector<double> routes) {
    routes_[{layer, micro_batch}] = std::move(routes);
  }
  /// The routes that were kept. @pre keep() was called for this layer and micro-batch
  [[nodiscard]] const std::vector<double>& at(LayerId layer, std::int64_t micro_batch) const {
    return routes_.at({layer, micro_batch});
  }

 private:
  std::map<std::pair<LayerId, std::int64_t>, std::vector<double>> routes_;
};

/// Changes the route of one token (experts, then weights) to `experts`, with the weights that its logits give
/// them. Returns false and changes nothing if the token already goes to these experts.
bool reroute(double* route, const double* experts, std::int64_t per_token, const double* logits);

}  // namespace foreshard
