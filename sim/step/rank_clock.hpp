#pragma once

#include <cstddef>

#include "sim/engine/engine.hpp"
#include "sim/step/rank_lanes.hpp"
#include "sim/step/simulation_result.hpp"

namespace foreshard {

/// Books the time in which a rank's compute lane is idle by its reason. settle() must be called before every
/// change that could change the reason. Between two calls there is then only one reason, which the second
/// call looks up.
class RankClock {
 public:
  explicit RankClock(std::size_t rank) : rank_(rank) {}

  /// Books the time since the last call. @pre the engine's state is still that of this interval
  void settle(const Engine& engine, RankResult& result);

 private:
  /// The sum to which idle time because of communication on this axis is added.
  static SimTime& axis(RankResult& result, CommAxis axis) {
    return result.exposed[static_cast<std::size_t>(axis)];
  }
  [[nodiscard]] SimTime& reason(const Engine& engine, RankResult& result) const;
  [[nodiscard]] SimTime& any_communication(const Engine& engine, RankResult& result) const;

  std::size_t rank_;
  SimTime settled_;
};

}  // namespace foreshard
