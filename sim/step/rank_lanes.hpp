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
inline constexpr RankLane kHostLane = static_cast<RankLane>(kQueueCount);
inline constexpr std::size_t kRankLanes = kQueueCount + 1;

/// The lane of the step program. @pre not kHostLane, which the program does not have
constexpr Lane program_lane(RankLane lane) {
  return lane < kLaneCount ? static_cast<Lane>(lane) : kTransferLanes[lane - kLaneCount].lane;
}

/// The axis of the communications on a lane; none for compute and the host.
std::optional<CommAxis> axis_of(RankLane lane);

/// The engine's number for a lane of a rank, and back.
constexpr LaneId engine_lane(std::size_t rank, RankLane lane) { return LaneId(rank * kRankLanes + lane); }
constexpr std::size_t rank_of(LaneId lane) { return lane.at() / kRankLanes; }
constexpr RankLane rank_lane(LaneId lane) { return static_cast<RankLane>(lane.at() % kRankLanes); }

/// The place of a send or receive lane in kTransferLanes; none for others.
constexpr std::optional<std::size_t> transfer_of(RankLane lane) {
  return lane == kHostLane ? std::nullopt : transfer_place(program_lane(lane));
}
constexpr bool is_receive_lane(RankLane lane) { return lane >= kLaneCount && lane != kHostLane; }
constexpr bool is_send_lane(RankLane lane) { return transfer_of(lane).has_value() && !is_receive_lane(lane); }

/// True if the neighbour on the other side of a send or receive lane is the next stage.
constexpr bool meets_next(RankLane lane) {
  return (kTransferLanes[transfer_of(lane).value()].to == Peer::next_stage) != is_receive_lane(lane);
}

}  // namespace foreshard
