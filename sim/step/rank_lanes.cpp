#include "sim/step/rank_lanes.hpp"

namespace foreshard {

RankLane rank_lane_of(const Op& op) {
  if (const auto* send = std::get_if<Send>(&op.kind))
    return send->peer == Peer::next_stage ? kSendForward : kSendBackward;
  if (const auto* receive = std::get_if<Recv>(&op.kind))
    return receive->peer == Peer::previous_stage ? kReceiveForward : kReceiveBackward;
  if (const auto* collective = std::get_if<Collective>(&op.kind)) {
    if (collective->group == GroupKind::world || collective->group == GroupKind::pp)
      return static_cast<RankLane>(Lane::world);
    if (collective->group == GroupKind::tied) return static_cast<RankLane>(Lane::tied);
  }
  return static_cast<RankLane>(op.lane);
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
