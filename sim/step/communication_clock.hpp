#pragma once

#include "sim/engine/engine.hpp"

namespace foreshard {

/// Says how long communications take, where that depends on what else is under way.
class CommunicationClock {
 public:
  virtual ~CommunicationClock() = default;
  /// A task of a send lane or of a group's lane starts now. Its duration; or kOpenEnd, and the clock will
  /// tell the simulation when it ends (StepSimulation::finish), once for lanes that move in step.
  virtual SimTime on_communication(LaneId lane, const Task& task) = 0;
};

}  // namespace foreshard
