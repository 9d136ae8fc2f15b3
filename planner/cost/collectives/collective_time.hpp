#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/cost/collectives/collective_choice.hpp"
#include "planner/frameworks/dispatcher.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

inline constexpr std::size_t kCollectiveKindCount = 4;

/// Bytes that one of n members sends: in an all-reduce 2(n−1)/n·S, in an all-gather, reduce-scatter or
/// all-to-all (n−1)/n·S, as a ring sends them; in one transfer S. Rounded up to a whole byte.
Bytes ring_bytes_sent(CollectiveKind kind, Bytes payload, std::int64_t members);

/// The time of each collective on one kind of group, and the algorithm that a library would choose at that
/// size. The costs of the algorithms are computed once; the queries allocate nothing.
class CollectiveTimes {
 public:
  /// A group of one member: all collectives take no time.
  CollectiveTimes() = default;
  explicit CollectiveTimes(const GroupLinks& links, Dispatcher dispatcher = Dispatcher::all_to_all);

  [[nodiscard]] Seconds time(CollectiveKind kind, Bytes payload) const;
  [[nodiscard]] bool is_alone() const { return alone_; }
  [[nodiscard]] std::int64_t members() const { return links_.members; }
  /// The cost of a collective as it is run: by the algorithm that a library would choose, or by the dispatcher's
  /// kernels if a token is sent once to each node. @pre the group has more than one member
  [[nodiscard]] AlgorithmCost cost(const Collective& collective) const;
  /// The time of a transfer between neighbours.
  [[nodiscard]] Seconds transfer(Bytes payload) const;
  /// The algorithm that would run a collective, and its cost. @pre the group has more than one member
  [[nodiscard]] const AlgorithmCost& cost(CollectiveKind kind, Bytes payload) const {
    return costs(kind).fastest(payload);
  }
  [[nodiscard]] const AlgorithmCost& cost_of_transfer() const { return transfer_; }
  [[nodiscard]] CollectiveChoice choice(CollectiveKind kind, Bytes payload) const;
  /// All algorithms for a collective, not only the fastest; empty for a group of one.
  [[nodiscard]] const AlgorithmCosts& costs(CollectiveKind kind) const {
    return costs_[static_cast<std::size_t>(kind)];
  }

 private:
  bool alone_ = true;
  GroupLinks links_;
  Dispatcher dispatcher_ = Dispatcher::all_to_all;
  std::array<AlgorithmCosts, kCollectiveKindCount> costs_;  ///< by CollectiveKind
  AlgorithmCost transfer_;
};

}  // namespace foreshard
