#include "sim/network/fold_flows.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "planner/units/mixed_bits.hpp"

namespace foreshard {

namespace {

using Colour = std::uint64_t;

Colour mixed(Colour a, Colour b) { return mixed_bits(a ^ mixed_bits(b)); }
/// As std::bit_cast, which Emscripten's library lacks.
Colour bits_of(double value) {
  Colour bits = 0;
  static_assert(sizeof bits == sizeof value);
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Colour refinement: classes of links and groups, identified by hashes and split until no class splits any
/// more.
class Refinement {
 public:
  Refinement(std::span<const GroupFlows> groups, std::span<const BytesPerSecond> capacities)
      : groups_(groups), is_used_(capacities.size()) {
    for (const BytesPerSecond capacity : capacities) links_.push_back(mixed_bits(bits_of(capacity.value())));
    for (const GroupFlows& group : groups) {
      colours_.push_back(mixed_bits(group.kind));
      for (const LinkUse& use : group.pattern.uses) is_used_[use.link] = true;
    }
    for (std::size_t classes = 0; classes != count();) {
      classes = count();
      refine();
    }
  }

  [[nodiscard]] Colour link(std::uint32_t index) const { return links_[index]; }
  [[nodiscard]] Colour group(std::size_t index) const { return colours_[index]; }

 private:
  /// One round: mixes the colours of the neighbours into each colour. They are summed, because a sum does not
  /// depend on the neighbours' order.
  void refine() {
    std::vector<Colour> met(links_.size());
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (const LinkUse& use : groups_[g].pattern.uses)
        met[use.link] += mixed(colours_[g], bits_of(use.flows));
    }
    for (std::size_t l = 0; l < links_.size(); ++l) links_[l] = mixed(links_[l], met[l]);
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      Colour crossed = 0;
      for (const LinkUse& use : groups_[g].pattern.uses)
        crossed += mixed(links_[use.link], bits_of(use.flows));
      colours_[g] = mixed(colours_[g], crossed);
    }
  }
  [[nodiscard]] std::size_t count() const {
    std::vector<Colour> all = colours_;
    for (std::size_t l = 0; l < links_.size(); ++l) {
      if (is_used_[l]) all.push_back(links_[l]);
    }
    std::sort(all.begin(), all.end());
    return static_cast<std::size_t>(std::unique(all.begin(), all.end()) - all.begin());
  }

  std::span<const GroupFlows> groups_;
  std::vector<bool> is_used_;
  std::vector<Colour> links_;
  std::vector<Colour> colours_;
};

/// The neighbours of a group (links) or of a link (groups): their classes with counts, sorted.
using Meetings = std::vector<std::pair<Colour, double>>;

/// Checks the classes exactly, because hashes can collide: all groups of a kind must cross the same classes
/// of links, and all links of a class must be crossed by the same classes of groups.
bool is_equitable(std::span<const GroupFlows> groups, std::span<const BytesPerSecond> capacities,
                  const Refinement& refined, std::span<const std::uint32_t> stands_for) {
  std::vector<Meetings> of_links(capacities.size());
  std::vector<std::pair<std::uint32_t, Meetings>> by_kind;
  for (const GroupFlows& group : groups) {
    Meetings crossed;
    for (const LinkUse& use : group.pattern.uses) {
      crossed.emplace_back(refined.link(use.link), use.flows);
      of_links[use.link].emplace_back(group.kind, use.flows);
    }
    std::sort(crossed.begin(), crossed.end());
    const auto same = [&](const auto& entry) { return entry.first == group.kind; };
    const auto first = std::find_if(by_kind.begin(), by_kind.end(), same);
    if (first == by_kind.end()) {
      by_kind.emplace_back(group.kind, std::move(crossed));
    } else if (first->second != crossed) {
      return false;
    }
  }
  for (Meetings& met : of_links) std::sort(met.begin(), met.end());
  for (std::size_t l = 0; l < of_links.size(); ++l) {
    const std::uint32_t first = stands_for[l];
    if (of_links[l] != of_links[first] || (!of_links[l].empty() && capacities[l] != capacities[first]))
      return false;
  }
  return true;
}

}  // namespace

std::optional<FoldedFlows> fold(std::span<const GroupFlows> groups,
                                std::span<const BytesPerSecond> capacities) {
  const Refinement refined(groups, capacities);
  // For each link, find the first link of its class.
  std::vector<std::pair<Colour, std::uint32_t>> order;
  for (std::uint32_t l = 0; l < capacities.size(); ++l) order.emplace_back(refined.link(l), l);
  std::sort(order.begin(), order.end());
  std::vector<std::uint32_t> first(capacities.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool begins = i == 0 || order[i].first != order[i - 1].first;
    first[order[i].second] = begins ? order[i].second : first[order[i - 1].second];
  }
  if (!is_equitable(groups, capacities, refined, first)) return std::nullopt;

  FoldedFlows folded{.patterns = {}, .alike = std::vector<std::uint32_t>(capacities.size())};
  for (std::uint32_t l = 0; l < capacities.size(); ++l) ++folded.alike[first[l]];
  std::uint32_t kinds = 0;
  for (const GroupFlows& group : groups) kinds = std::max(kinds, group.kind + 1);
  std::vector<std::vector<FlowPattern>> by_kind(kinds);
  for (const GroupFlows& group : groups) {
    FlowPattern kept{.uses = {}, .share = group.pattern.share};
    for (const LinkUse& use : group.pattern.uses) {
      if (first[use.link] == use.link) kept.uses.push_back(use);
    }
    by_kind[group.kind].push_back(std::move(kept));
  }
  for (const std::vector<FlowPattern>& patterns : by_kind) folded.patterns.push_back(together(patterns));
  return folded;
}

}  // namespace foreshard
