#pragma once

#include "sim/engine/engine.hpp"

namespace foreshard {

/// Interface that determines how long communications take where that depends on other communications
/// (contention).
class CommunicationClock {
 public:
  virtual ~CommunicationClock() = default;
  /// Called when a task of a send lane or of a group's lane starts. Returns its duration; or kOpenEnd if the
  /// clock will end it later by StepSimulation::finish, which is called once for joined lanes.
  virtual SimTime on_communication(LaneId lane, const Task& task) = 0;
};

}  // namespace foreshard
