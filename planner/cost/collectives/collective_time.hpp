#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/cost/collectives/collective_choice.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

inline constexpr std::size_t kCollectiveKindCount = 4;

/// Bytes that one member sends in a ring (all-reduce 2(n−1)/n·S, all-gather, reduce-scatter and all-to-all
/// (n−1)/n·S) or in one transfer (S); rounded up to a whole byte.
Bytes ring_bytes_sent(CollectiveKind kind, Bytes payload, std::int64_t members);

/// How long one kind of group takes for each collective: what a library would choose at that size, and its
/// time. The ways are worked out once; asking allocates nothing.
class CollectiveTimes {
 public:
  /// A group of one, for which everything takes no time.
  CollectiveTimes() = default;
  explicit CollectiveTimes(const GroupLinks& links);

  [[nodiscard]] Seconds time(CollectiveKind kind, Bytes payload) const;
  /// A transfer between neighbours.
  [[nodiscard]] Seconds transfer(Bytes payload) const;
  /// How it would be run. @pre the group has members to run it with
  [[nodiscard]] const AlgorithmCost& cost(CollectiveKind kind, Bytes payload) const {
    return costs(kind).fastest(payload);
  }
  [[nodiscard]] const AlgorithmCost& cost_of_transfer() const { return transfer_; }
  [[nodiscard]] CollectiveChoice choice(CollectiveKind kind, Bytes payload) const;
  /// All ways of a collective, fastest or not; empty for a group of one.
  [[nodiscard]] const AlgorithmCosts& costs(CollectiveKind kind) const {
    return costs_[static_cast<std::size_t>(kind)];
  }

 private:
  bool alone_ = true;
  std::array<AlgorithmCosts, kCollectiveKindCount> costs_;  ///< by CollectiveKind
  AlgorithmCost transfer_;
};

}  // namespace foreshard
