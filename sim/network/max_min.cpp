#include "sim/network/max_min.hpp"

#include <algorithm>
#include <limits>

namespace foreshard {

namespace {

/// Levels whose ratio is below this count as equal: equal shares differ by rounding errors.
constexpr double kSame = 1.0 + 1e-12;

}  // namespace

void MaxMin::solve(std::span<Set> sets, std::span<const double> capacities) {
  count_flows(sets, capacities);
  open_.clear();
  for (std::uint32_t set = 0; set < sets.size(); ++set) open_.push_back(set);
  while (!open_.empty()) {
    const double level = next_level(sets) * kSame;
    const auto is_full = [&](const LinkUse& use) { return left_[use.link] <= level * flows_[use.link]; };
    // Find all sets that settle at this level before subtracting any of them from its links.
    const auto settled = std::partition(open_.begin(), open_.end(), [&](std::uint32_t set) {
      return sets[set].cap > level && std::none_of(sets[set].uses.begin(), sets[set].uses.end(), is_full);
    });
    for (auto set = settled; set != open_.end(); ++set) {
      sets[*set].rate = std::min(level / kSame, sets[*set].cap);
      for (const LinkUse& use : sets[*set].uses) {
        left_[use.link] = std::max(0.0, left_[use.link] - use.flows * sets[*set].rate);
        flows_[use.link] -= use.flows;
      }
    }
    open_.erase(settled, open_.end());
  }
  for (const std::uint32_t link : links_) is_counted_[link] = false;
}

void MaxMin::count_flows(std::span<const Set> sets, std::span<const double> capacities) {
  links_.clear();
  for (const Set& set : sets) {
    for (const LinkUse& use : set.uses) {
      if (!is_counted_[use.link]) {
        is_counted_[use.link] = true;
        links_.push_back(use.link);
        left_[use.link] = capacities[use.link];
        flows_[use.link] = 0.0;
      }
      flows_[use.link] += use.flows;
    }
  }
}

/// The rate at which the next link is full or the next set reaches its cap, if all open sets grow together.
double MaxMin::next_level(std::span<const Set> sets) const {
  double level = std::numeric_limits<double>::infinity();
  for (const std::uint32_t set : open_) {
    level = std::min(level, sets[set].cap);
    for (const LinkUse& use : sets[set].uses) level = std::min(level, left_[use.link] / flows_[use.link]);
  }
  return level;
}

}  // namespace foreshard
