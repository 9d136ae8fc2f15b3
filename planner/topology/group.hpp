#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foreshard {

/// The communication groups of a step. Devices are ordered tp, cp, dp, pp, innermost first.
enum class GroupKind : std::uint8_t {
  tp,         ///< tensor parallel
  cp,         ///< context parallel
  dp,         ///< data parallel: replicas at one cp position
  dp_cp,      ///< all replicas of a weight, over dp and cp: its gradients are reduced here
  ep,         ///< expert parallel: ranks of a stage that are etp apart
  etp,        ///< tensor parallel for routed experts: consecutive ranks of a stage
  expert_dp,  ///< replicas of one expert: tp·cp·dp / (etp·ep)
  pp,         ///< the stages of one pipeline
  tied,       ///< first and last stage, which share a tied embedding
  world,      ///< all ranks: the gradient norm
  // Only where ZeRO shards over a part of the replicas (hybrid sharding); else of size 1.
  dp_shard,      ///< consecutive members of dp·cp that share a weight's shards
  expert_shard,  ///< the same of expert_dp
  dp_replicate,  ///< ranks with equal shards
};
inline constexpr std::size_t kGroupKindCount = 13;

/// The axes of communication that reports show. dp·cp, expert-dp and world count as dp; tied counts as pp; etp
/// counts as tp. offload: copies between host and device, and what the host's CPU computes.
enum class CommAxis : std::uint8_t { tp, pp, dp, cp, ep, offload };
inline constexpr std::size_t kCommAxisCount = 6;
constexpr CommAxis axis_of(GroupKind kind) {
  switch (kind) {
    case GroupKind::tp:
    case GroupKind::etp: return CommAxis::tp;
    case GroupKind::cp: return CommAxis::cp;
    case GroupKind::ep: return CommAxis::ep;
    case GroupKind::pp:
    case GroupKind::tied: return CommAxis::pp;
    case GroupKind::dp:
    case GroupKind::dp_cp:
    case GroupKind::expert_dp:
    case GroupKind::world:
    case GroupKind::dp_shard:
    case GroupKind::expert_shard:
    case GroupKind::dp_replicate: return CommAxis::dp;
  }
  return CommAxis::dp;
}

/// The queue in which an operation runs: one lane for compute and one per communication group. A lane runs
/// its operations first-in first-out, in program order. Pipeline transfers and copies between host and device have
/// one lane per direction, because links are full duplex. Where a model goes back from the last stage to the first
/// (a V-shaped placement), activations to the previous stage and gradients to the next have lanes of their own, because
/// they do not come in the order of what goes the usual way. The CPU has a lane of its own for what it computes.
enum class Lane : std::uint8_t {
  compute,
  tp,
  cp,
  dp,
  ep,
  expert_dp,
  pp_forward,
  pp_backward,
  tied,
  world,
  dp_replicate,
  to_host,
  to_device,
  cpu,
  pp_forward_turned,
  pp_backward_turned
};
inline constexpr std::size_t kLaneCount = 16;

/// The lane on which a group's collectives queue.
constexpr Lane lane_of(GroupKind kind) {
  switch (kind) {
    case GroupKind::tp:
    case GroupKind::etp: return Lane::tp;
    case GroupKind::cp: return Lane::cp;
    case GroupKind::dp:
    case GroupKind::dp_cp:
    case GroupKind::dp_shard: return Lane::dp;
    case GroupKind::ep: return Lane::ep;
    case GroupKind::expert_dp:
    case GroupKind::expert_shard: return Lane::expert_dp;
    case GroupKind::dp_replicate: return Lane::dp_replicate;
    case GroupKind::pp: return Lane::pp_forward;
    case GroupKind::tied: return Lane::tied;
    case GroupKind::world: return Lane::world;
  }
  return Lane::world;
}

/// One kind of group: each group of the kind has `size` members, which are `stride` ranks apart.
struct Group {
  GroupKind kind = GroupKind::world;
  std::int64_t size = 1;
  std::int64_t stride = 1;
  friend constexpr bool operator==(const Group&, const Group&) = default;
};

std::string_view to_string(GroupKind kind);
std::string_view to_string(CommAxis axis);
std::string_view to_string(Lane lane);

}  // namespace foreshard
