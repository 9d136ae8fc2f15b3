#pragma once

#include <cstddef>

#include "sim/engine/engine.hpp"
#include "sim/step/rank_lanes.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// Says for every instant in which a rank's compute lane is idle, why it is. Must be told before anything
/// changes that could change the reason: so between two calls there is one reason, which is looked up at the
/// second.
class RankClock {
 public:
  explicit RankClock(std::size_t rank) : rank_(rank) {}

  /// Books the time since the last call. @pre the engine's state is that of the time that ends now
  void settle(const Engine& engine, RankResult& result);

 private:
  /// Where an idle instant is booked.
  static SimTime& axis(RankResult& result, CommAxis axis) {
    return result.exposed[static_cast<std::size_t>(axis)];
  }
  [[nodiscard]] SimTime& reason(const Engine& engine, RankResult& result) const;
  [[nodiscard]] SimTime& any_communication(const Engine& engine, RankResult& result) const;

  std::size_t rank_;
  SimTime settled_;
};

}  // namespace foreshard
