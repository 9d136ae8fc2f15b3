#include "planner/topology/group.hpp"

namespace foreshard {

std::string_view to_string(GroupKind kind) {
  switch (kind) {
    case GroupKind::tp: return "tp";
    case GroupKind::cp: return "cp";
    case GroupKind::dp: return "dp";
    case GroupKind::dp_cp: return "dp-cp";
    case GroupKind::ep: return "ep";
    case GroupKind::etp: return "etp";
    case GroupKind::expert_dp: return "expert-dp";
    case GroupKind::pp: return "pp";
    case GroupKind::tied: return "tied";
    case GroupKind::world: return "world";
    case GroupKind::dp_shard: return "dp-shard";
    case GroupKind::expert_shard: return "expert-shard";
    case GroupKind::dp_replicate: return "dp-replicate";
  }
  return "unknown group";
}

std::string_view to_string(CommAxis axis) {
  switch (axis) {
    case CommAxis::tp: return "tp";
    case CommAxis::pp: return "pp";
    case CommAxis::dp: return "dp";
    case CommAxis::cp: return "cp";
    case CommAxis::ep: return "ep";
    case CommAxis::offload: return "offload";
  }
  return "unknown axis";
}

std::string_view to_string(Lane lane) {
  switch (lane) {
    case Lane::compute: return "compute";
    case Lane::tp: return "tp";
    case Lane::cp: return "cp";
    case Lane::dp: return "dp";
    case Lane::ep: return "ep";
    case Lane::expert_dp: return "expert-dp";
    case Lane::pp_forward: return "pp-forward";
    case Lane::pp_backward: return "pp-backward";
    case Lane::tied: return "tied";
    case Lane::world: return "world";
    case Lane::dp_replicate: return "dp-replicate";
    case Lane::to_host: return "to-host";
    case Lane::to_device: return "to-device";
    case Lane::cpu: return "cpu";
    case Lane::pp_forward_turned: return "pp-forward-turned";
    case Lane::pp_backward_turned: return "pp-backward-turned";
  }
  return "unknown lane";
}

}  // namespace foreshard
