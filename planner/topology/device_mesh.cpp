#include "planner/topology/device_mesh.hpp"

#include <algorithm>
#include <numeric>

namespace foreshard {

DeviceMesh::DeviceMesh(const ParallelismSpec& parallelism)
    : tp_(parallelism.tp),
      cp_(parallelism.cp),
      dp_(parallelism.dp),
      pp_(parallelism.pp),
      ep_(parallelism.ep),
      etp_(parallelism.expert_tp()),
      table_copy_stage_(parallelism.table_copy_stage()),
      copies_(parallelism.shard_parts()) {}

std::int64_t DeviceMesh::devices() const { return checked_product(tp_, cp_, dp_, pp_); }

Coordinates DeviceMesh::coordinates(Rank rank) const {
  const std::int64_t r = rank.value();
  return {.tp = r % tp_, .cp = r / tp_ % cp_, .dp = r / (tp_ * cp_) % dp_, .pp = r / (tp_ * cp_ * dp_)};
}

Rank DeviceMesh::rank(const Coordinates& at) const {
  return Rank(static_cast<std::int32_t>(at.tp + tp_ * (at.cp + cp_ * (at.dp + dp_ * at.pp))));
}

StageId DeviceMesh::stage(Rank rank) const {
  return StageId(static_cast<std::int32_t>(coordinates(rank).pp));
}

ExpertCoordinates DeviceMesh::expert_coordinates(Rank rank) const {
  const std::int64_t in_stage = rank.value() % (tp_ * cp_ * dp_);
  return {.etp = in_stage % etp_, .ep = in_stage / etp_ % ep_, .edp = in_stage / (etp_ * ep_)};
}

/// The members of a group of replicas that share shards: consecutive ones.
Group DeviceMesh::part_of(GroupKind kind, const Group& replicas) const {
  return {kind, replicas.size / copies_, replicas.stride};
}

Group DeviceMesh::group(GroupKind kind) const {
  const std::int64_t per_stage = tp_ * cp_ * dp_;
  switch (kind) {
    case GroupKind::tp: return {kind, tp_, 1};
    case GroupKind::cp: return {kind, cp_, tp_};
    case GroupKind::dp: return {kind, dp_, tp_ * cp_};
    case GroupKind::dp_cp: return {kind, dp_ * cp_, tp_};
    case GroupKind::ep: return {kind, ep_, etp_};
    case GroupKind::etp: return {kind, etp_, 1};
    case GroupKind::expert_dp: return {kind, per_stage / (etp_ * ep_), etp_ * ep_};
    case GroupKind::pp: return {kind, pp_, per_stage};
    case GroupKind::tied:
      return {kind, std::min<std::int64_t>(table_copy_stage_ + 1, 2),
              std::max<std::int64_t>(table_copy_stage_, 1) * per_stage};
    case GroupKind::world: break;
    case GroupKind::dp_shard: return copies_ == 1 ? Group{kind} : part_of(kind, group(GroupKind::dp_cp));
    case GroupKind::expert_shard:
      return copies_ == 1 ? Group{kind} : part_of(kind, group(GroupKind::expert_dp));
    case GroupKind::dp_replicate: return {kind, copies_, copies_ == 1 ? 1 : per_stage / copies_};
  }
  return {GroupKind::world, devices(), 1};
}

std::vector<Group> DeviceMesh::groups() const {
  std::vector<Group> all;
  all.reserve(kGroupKindCount);
  for (std::size_t kind = 0; kind < kGroupKindCount; ++kind)
    all.push_back(group(static_cast<GroupKind>(kind)));
  return all;
}

std::vector<Rank> DeviceMesh::members(GroupKind kind, Rank rank) const {
  const Group g = group(kind);
  // The tied group has only the two stages that hold the table: ranks of the other stages belong to none.
  if (kind == GroupKind::tied && pp_ > g.size) {
    const std::int64_t pp = coordinates(rank).pp;
    if (pp != 0 && pp != table_copy_stage_) return {};
  }
  const std::int64_t index = rank.value() / g.stride % g.size;
  const std::int64_t first = rank.value() - index * g.stride;
  std::vector<Rank> ranks;
  ranks.reserve(static_cast<std::size_t>(g.size));
  for (std::int64_t i = 0; i < g.size; ++i)
    ranks.emplace_back(static_cast<std::int32_t>(first + i * g.stride));
  return ranks;
}

GroupSpan span_of(const Group& group, std::int64_t devices_per_node) {
  // Strides of a node or more put every member on a node of its own.
  if (group.stride >= devices_per_node) return {.per_node = 1, .nodes = group.size};
  // The groups of one kind start at k·size·stride + o with 0 <= o < stride. Within a node, k·size·stride
  // falls on multiples of their greatest common divisor; the group that starts deepest in its node reaches
  // farthest. The tied group has one block only, k = 0, whose members on a shorter stride share a node.
  std::int64_t deepest = 0;
  if (group.kind != GroupKind::tied) {
    const std::int64_t step = std::gcd(group.size * group.stride, devices_per_node);
    deepest = devices_per_node - step + std::min(group.stride, step) - 1;
  }
  const std::int64_t nodes = (deepest + (group.size - 1) * group.stride) / devices_per_node + 1;
  return {.per_node = ceil_divide(group.size, nodes), .nodes = nodes};
}

}  // namespace foreshard
