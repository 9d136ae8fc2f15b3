#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace foreshard {

/// How many flows of a set cross one link. A fractional count stands for flows that carry more or less than
/// the set's other flows.
struct LinkUse {
  std::uint32_t link = 0;
  double flows = 1.0;
  friend constexpr bool operator==(const LinkUse&, const LinkUse&) = default;
};

/// Solver for max-min fair sharing of links among sets of flows. A sharing is max-min fair if no set's rate
/// can grow without reducing the rate of a set that is not faster. All flows of a set have the same rate.
///
/// Progressive filling: the rates of all open sets rise together until a link is full or a set reaches its
/// cap. The sets on that link, or the capped set, are then settled: their rates are final and are subtracted
/// from the links that they cross. The next round raises the sets that are still open.
///
/// Example: link 1 carries 10 GB/s, link 2 carries 16 GB/s. Flow A crosses link 1, flow B both links, flow C
/// link 2; only C has a cap, 7 GB/s.
///
///   round  open     link 1: left/flows  link 2: left/flows  lowest cap  level  settled
///   1      A, B, C  10/2 = 5            16/2 = 8            7           5      A = B = 5 (link 1 is full)
///   2      C        no open flow        (16 − 5)/1 = 11     7           7      C = 7 (its cap)
///
/// Link 2 ends with 16 − 5 − 7 = 4 GB/s unused. Without its cap C would get 11 GB/s in round 2.
///
/// The solver keeps its working memory from call to call.
/// Source: Bertsekas and Gallager 1992, Data Networks, 6.5.2 (progressive filling).
class MaxMin {
 public:
  struct Set {
    std::span<const LinkUse> uses;
    double cap = 0.0;   ///< highest rate of one flow; may be infinite if the set crosses a link
    double rate = 0.0;  ///< the result: rate of one flow
  };

  explicit MaxMin(std::size_t links) : left_(links), flows_(links), is_counted_(links) {}

  /// Sets `rate` of every set. Links that no set crosses have no influence. @param capacities by link
  void solve(std::span<Set> sets, std::span<const double> capacities);

 private:
  void count_flows(std::span<const Set> sets, std::span<const double> capacities);
  [[nodiscard]] double next_level(std::span<const Set> sets) const;

  std::vector<double> left_;      // by link: capacity that settled sets leave
  std::vector<double> flows_;     // by link: number of flows of sets that are open
  std::vector<bool> is_counted_;  // by link: is in links_
  std::vector<std::uint32_t> links_;
  std::vector<std::uint32_t> open_;  // sets whose rate is not final yet
};

}  // namespace foreshard
