#include "sim/play/stage_clock.hpp"

namespace foreshard {

void StageClock::settle(const Engine& engine, StageResult& result) {
  const SimTime passed = engine.now() - settled_;
  settled_ = engine.now();
  if (passed == SimTime() || engine.is_running(engine_lane(stage_, kComputeLane))) return;
  const Reason why = reason(engine);
  (why.is_axis ? result.exposed[static_cast<std::size_t>(why.axis)] : result.bubble) += passed;
}

/// Follows what the compute lane waits for, wait by wait, to a running communication or out of the stage.
StageClock::Reason StageClock::reason(const Engine& engine) const {
  LaneId lane = engine_lane(stage_, kComputeLane);
  if (!engine.head(lane)) return any_communication(engine);
  // A chain of waits visits each lane of the rank once, or it would be a deadlock.
  for (std::size_t step = 0; step < kRankLanes; ++step) {
    const auto wait = engine.waiting_for(lane);
    if (!wait) break;  // it has arrived where several stages meet
    const RankLane awaited = rank_lane(wait->lane);
    if (rank_of(wait->lane) != stage_) {
      const bool in_flight = engine.is_running(wait->lane) && engine.ended(wait->lane) + 1 == wait->count;
      return {in_flight, CommAxis::pp};
    }
    if (engine.is_running(wait->lane)) {
      const auto axis = axis_of(awaited);
      return {axis.has_value(), axis.value_or(CommAxis::pp)};
    }
    lane = wait->lane;
  }
  return {};
}

/// At a stage's end no kernel is left to wait: the first lane that still runs is the reason.
StageClock::Reason StageClock::any_communication(const Engine& engine) const {
  for (RankLane lane = 0; lane < kRankLanes; ++lane) {
    const auto axis = axis_of(lane);
    if (axis && engine.is_running(engine_lane(stage_, lane))) return {true, *axis};
  }
  return {};
}

}  // namespace foreshard
