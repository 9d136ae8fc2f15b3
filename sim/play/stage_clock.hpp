#pragma once

#include <cstddef>

#include "sim/engine/engine.hpp"
#include "sim/play/rank_lanes.hpp"
#include "sim/play/simulation_result.hpp"

namespace foreshard {

/// Says for every instant in which a stage's compute lane is idle, why it is. Must be told before anything
/// changes that could change the reason: so between two calls there is one reason, which is looked up at the
/// second.
class StageClock {
 public:
  explicit StageClock(std::size_t stage) : stage_(stage) {}

  /// Books the time since the last call. @pre the engine's state is that of the time that ends now
  void settle(const Engine& engine, StageResult& result);

 private:
  /// Where an idle instant is booked.
  static SimTime& axis(StageResult& result, CommAxis axis) {
    return result.exposed[static_cast<std::size_t>(axis)];
  }
  [[nodiscard]] SimTime& reason(const Engine& engine, StageResult& result) const;
  [[nodiscard]] SimTime& any_communication(const Engine& engine, StageResult& result) const;

  std::size_t stage_;
  SimTime settled_;
};

}  // namespace foreshard
