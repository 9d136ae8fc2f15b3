#include "sim/step/rank_clock.hpp"

namespace foreshard {

void RankClock::settle(const Engine& engine, RankResult& result) {
  const SimTime passed = engine.now() - settled_;
  settled_ = engine.now();
  if (passed == SimTime() || engine.is_running(engine_lane(rank_, kComputeLane))) return;
  reason(engine, result) += passed;
}

/// The sum to which idle time is added now. Follows the chain of waits from the compute lane until it reaches
/// a running communication, the host, or another rank.
SimTime& RankClock::reason(const Engine& engine, RankResult& result) const {
  LaneId lane = engine_lane(rank_, kComputeLane);
  if (engine.head(lane) == nullptr) return any_communication(engine, result);
  // A chain of waits reaches each lane of the rank at most once; otherwise it would be a deadlock.
  for (std::size_t step = 0; step < kRankLanes; ++step) {
    const auto wait = engine.waiting_for(lane);
    if (!wait) break;  // the lane is ready for a collective and waits for other ranks
    const RankLane awaited = rank_lane(wait->lane);
    if (rank_of(wait->lane) != rank_) {
      const bool in_flight = engine.is_running(wait->lane) && engine.ended(wait->lane) + 1 == wait->count;
      return in_flight ? axis(result, CommAxis::pp) : result.bubble;
    }
    if (engine.is_running(wait->lane)) {
      if (awaited == kHostLane) return result.host;
      const auto running = axis_of(awaited);
      return running ? axis(result, *running) : result.bubble;
    }
    lane = wait->lane;
  }
  return result.bubble;
}

/// The reason after the rank's last kernel, when no kernel is left that waits: the first lane that still
/// communicates.
SimTime& RankClock::any_communication(const Engine& engine, RankResult& result) const {
  for (RankLane lane = 0; lane < kRankLanes; ++lane) {
    const auto running = axis_of(lane);
    if (running && engine.is_running(engine_lane(rank_, lane))) return axis(result, *running);
  }
  return result.bubble;
}

}  // namespace foreshard
