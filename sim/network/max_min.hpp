#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace foreshard {

/// How many flows of a set cross one link. A count that is no whole number stands for flows that carry more
/// or less than the set's others.
struct LinkUse {
  std::uint32_t link = 0;
  double flows = 1.0;
  friend constexpr bool operator==(const LinkUse&, const LinkUse&) = default;
};

/// Shares links among sets of flows, max-min fairly: no set's rate can grow without taking from one that has
/// no more. All flows of a set have one rate. Keeps its working memory from call to call.
/// Source: Bertsekas and Gallager 1992, Data Networks, 6.5.2 (progressive filling).
class MaxMin {
 public:
  struct Set {
    std::span<const LinkUse> uses;
    double cap = 0.0;   ///< most that a flow of it takes; may be infinite if it crosses a link
    double rate = 0.0;  ///< the answer, of one flow
  };

  explicit MaxMin(std::size_t links) : left_(links), flows_(links), is_counted_(links) {}

  /// Fills in the rates. Links that no set crosses do not matter. @param capacities by link
  void solve(std::span<Set> sets, std::span<const double> capacities);

 private:
  void count_flows(std::span<const Set> sets, std::span<const double> capacities);
  [[nodiscard]] double next_level(std::span<const Set> sets) const;

  std::vector<double> left_;      // by link: of its capacity, beside what settled sets take
  std::vector<double> flows_;     // by link: of sets that are not settled
  std::vector<bool> is_counted_;  // by link: is in links_
  std::vector<std::uint32_t> links_;
  std::vector<std::uint32_t> open_;  // sets that are not settled
};

}  // namespace foreshard
