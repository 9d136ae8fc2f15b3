#include "sim/step/rank_lanes.hpp"

namespace foreshard {

std::optional<CommAxis> axis_of(RankLane lane) {
  if (lane == kHostLane) return std::nullopt;
  switch (program_lane(lane)) {
    case Lane::compute: return std::nullopt;
    case Lane::tp: return CommAxis::tp;
    case Lane::cp: return CommAxis::cp;
    case Lane::ep: return CommAxis::ep;
    case Lane::dp:
    case Lane::expert_dp:
    case Lane::dp_replicate:
    case Lane::world: return CommAxis::dp;
    case Lane::pp_forward:
    case Lane::pp_backward:
    case Lane::pp_forward_turned:
    case Lane::pp_backward_turned:
    case Lane::tied: return CommAxis::pp;
    case Lane::to_host:
    case Lane::to_device:
    case Lane::cpu: return CommAxis::offload;
  }
  return std::nullopt;
}

}  // namespace foreshard
