#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/topology/group.hpp"
#include "sim/engine/engine.hpp"

namespace foreshard {

/// A lane of one rank in the simulation: its queues, as queue_of() numbers them, and one for its host.
using RankLane = Queue;
inline constexpr RankLane kComputeLane = static_cast<RankLane>(Lane::compute);
inline constexpr RankLane kSendForward = static_cast<RankLane>(Lane::pp_forward);
inline constexpr RankLane kSendBackward = static_cast<RankLane>(Lane::pp_backward);
inline constexpr RankLane kReceiveForward = kReceivesFromPrevious;
inline constexpr RankLane kReceiveBackward = kReceivesFromNext;
inline constexpr RankLane kHostLane = static_cast<RankLane>(kQueueCount);
inline constexpr std::size_t kRankLanes = kQueueCount + 1;

/// The lane of the step program. @pre not kHostLane, which the program does not have
constexpr Lane program_lane(RankLane lane) {
  if (lane == kReceiveForward) return Lane::pp_forward;
  if (lane == kReceiveBackward) return Lane::pp_backward;
  return static_cast<Lane>(lane);
}

/// The axis of the communications on a lane; none for compute and the host.
std::optional<CommAxis> axis_of(RankLane lane);

/// The engine's number for a lane of a rank, and back.
constexpr LaneId engine_lane(std::size_t rank, RankLane lane) { return LaneId(rank * kRankLanes + lane); }
constexpr std::size_t rank_of(LaneId lane) { return lane.at() / kRankLanes; }
constexpr RankLane rank_lane(LaneId lane) { return static_cast<RankLane>(lane.at() % kRankLanes); }

/// The peer's lane that a send or receive lane is connected with.
constexpr RankLane peer_lane(RankLane lane) {
  switch (lane) {
    case kSendForward: return kReceiveForward;
    case kSendBackward: return kReceiveBackward;
    case kReceiveForward: return kSendForward;
    default: return kSendBackward;
  }
}
constexpr bool is_send_lane(RankLane lane) { return lane == kSendForward || lane == kSendBackward; }
constexpr bool is_receive_lane(RankLane lane) { return lane == kReceiveForward || lane == kReceiveBackward; }

}  // namespace foreshard
