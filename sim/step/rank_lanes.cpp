#include "sim/step/rank_lanes.hpp"

#include "planner/units/overloaded.hpp"

namespace foreshard {

RankLane rank_lane_of(const Op& op) {
  const auto own = static_cast<RankLane>(op.lane);
  const std::optional<Communication> communication = communication_of(op);
  if (!communication) return own;
  return std::visit(
      overloaded{
          [](const Send& send) { return send.peer == Peer::next_stage ? kSendForward : kSendBackward; },
          [](const Recv& receive) {
            return receive.peer == Peer::previous_stage ? kReceiveForward : kReceiveBackward;
          },
          [&](const Collective& collective) {
            if (collective.group == GroupKind::world || collective.group == GroupKind::pp)
              return static_cast<RankLane>(Lane::world);
            return collective.group == GroupKind::tied ? static_cast<RankLane>(Lane::tied) : own;
          }},
      *communication);
}

std::optional<CommAxis> axis_of(RankLane lane) {
  if (lane == kHostLane) return std::nullopt;
  switch (program_lane(lane)) {
    case Lane::compute: return std::nullopt;
    case Lane::tp: return CommAxis::tp;
    case Lane::cp: return CommAxis::cp;
    case Lane::ep: return CommAxis::ep;
    case Lane::dp:
    case Lane::expert_dp:
    case Lane::world: return CommAxis::dp;
    case Lane::pp_forward:
    case Lane::pp_backward:
    case Lane::tied: return CommAxis::pp;
  }
  return std::nullopt;
}

}  // namespace foreshard
