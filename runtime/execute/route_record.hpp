#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Where the tokens of a batch went in one run, to send them there in another: rounding may turn the choice
/// between two experts that are all but alike, and then two runs can no longer be compared number by number.
class RouteRecord {
 public:
  /// @param micro_batch  counted over all data-parallel ranks
  /// @param routes       (T, 2·per_token) of all its tokens, as Route writes them
  void keep(LayerId layer, std::int64_t micro_batch, std::vector<double> routes) {
    routes_[{layer, micro_batch}] = std::move(routes);
  }
  /// @pre they were kept
  [[nodiscard]] const std::vector<double>& at(LayerId layer, std::int64_t micro_batch) const {
    return routes_.at({layer, micro_batch});
  }

 private:
  std::map<std::pair<LayerId, std::int64_t>, std::vector<double>> routes_;
};

/// Sends one token to `experts` instead of where its route (experts, then weights) says, with the weights
/// that its logits give them. Returns false, and changes nothing, where it goes to these experts anyway.
bool reroute(double* route, const double* experts, std::int64_t per_token, const double* logits);

}  // namespace foreshard
