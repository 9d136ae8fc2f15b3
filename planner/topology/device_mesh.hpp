#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// The position of a rank in the mesh.
struct Coordinates {
  std::int64_t tp = 0;
  std::int64_t cp = 0;
  std::int64_t dp = 0;
  std::int64_t pp = 0;
  friend constexpr bool operator==(const Coordinates&, const Coordinates&) = default;
};

/// The position of a rank of a stage in the mesh of its routed experts.
struct ExpertCoordinates {
  std::int64_t etp = 0;
  std::int64_t ep = 0;
  std::int64_t edp = 0;
  friend constexpr bool operator==(const ExpertCoordinates&, const ExpertCoordinates&) = default;
};

/// The devices of a job as a tp × cp × dp × pp mesh, tp innermost. It is a pure value that needs no MPI.
/// The routed experts of a stage are distributed over the same devices as an etp × ep × edp mesh, etp innermost,
/// as Megatron-LM's RankGenerator orders them (megatron/core/parallel_state.py).
/// Example: tp 2, cp 1, dp 4, etp 1, ep 4. Ranks 0 to 3 are one ep group, and ranks 0 and 4 hold the same experts.
class DeviceMesh {
 public:
  explicit DeviceMesh(const ParallelismSpec& parallelism);

  [[nodiscard]] std::int64_t devices() const;
  [[nodiscard]] Coordinates coordinates(Rank rank) const;
  [[nodiscard]] Rank rank(const Coordinates& at) const;
  [[nodiscard]] StageId stage(Rank rank) const;
  [[nodiscard]] ExpertCoordinates expert_coordinates(Rank rank) const;

  /// Size and stride of one kind of group.
  [[nodiscard]] Group group(GroupKind kind) const;
  /// All groups, by GroupKind.
  [[nodiscard]] std::vector<Group> groups() const;
  /// The members of the group of `kind` to which `rank` belongs, in group order.
  [[nodiscard]] std::vector<Rank> members(GroupKind kind, Rank rank) const;

 private:
  [[nodiscard]] Group part_of(GroupKind kind, const Group& replicas) const;

  std::int64_t tp_, cp_, dp_, pp_, ep_, etp_;
  std::int64_t table_copy_stage_;
  std::int64_t copies_;  // of each shard
};

/// How one group lies on the nodes of a cluster: `per_node` members on each of `nodes` nodes.
struct GroupSpan {
  std::int64_t per_node = 1;
  std::int64_t nodes = 1;
  friend constexpr bool operator==(const GroupSpan&, const GroupSpan&) = default;
};

/// The span of the widest group of this kind when ranks fill nodes of `devices_per_node` in order.
GroupSpan span_of(const Group& group, std::int64_t devices_per_node);

}  // namespace foreshard
