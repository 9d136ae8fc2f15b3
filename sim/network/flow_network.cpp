#include "sim/network/flow_network.hpp"

#include <algorithm>
#include <cmath>

#include "planner/units/result_error.hpp"

namespace foreshard {

namespace {

constexpr double kPicoseconds = 1e12;  // in a second
/// A link is short only if its flows want more than its capacity by more than rounding errors.
constexpr double kRounding = 1.0 + 1e-9;

/// Rounded up, so that nothing arrives early.
SimTime time_for(double bytes, double rate) {
  return checked_sim_time(std::ceil(bytes / rate * kPicoseconds));
}

}  // namespace

FlowNetwork::FlowNetwork(std::span<const BytesPerSecond> capacities)
    : links_(capacities.size()), events_(0), max_min_(capacities.size()) {
  for (const BytesPerSecond capacity : capacities) capacities_.push_back(capacity.value());
}

void FlowNetwork::start(const FlowSet& what, SimTime now) {
  now_ = now;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(sets_.size()));
    sets_.emplace_back();
    events_.grow(sets_.size());
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Set& set = sets_[index];
  set.what = what;
  set.cap = what.cap.value();
  for (const LinkUse& use : what.uses) set.cap = std::min(set.cap, capacities_[use.link] / use.flows);
  if (!(set.cap > 0.0)) throw ResultError("a link carries nothing, so what is sent over it never arrives");
  set.is_flowing = false;
  events_.push(index, {now_ + what.latency, started_++});
  if (what.latency == SimTime()) begin_flow(index);
}

std::optional<SimTime> FlowNetwork::next_time() const {
  if (events_.empty()) return std::nullopt;
  return events_.next_key().time;
}

std::optional<std::uint64_t> FlowNetwork::advance() {
  const std::uint32_t index = events_.next();
  now_ = events_.next_key().time;
  if (!sets_[index].is_flowing) {
    begin_flow(index);
    return std::nullopt;
  }
  events_.pop();
  end_flow(index);
  return sets_[index].what.tag;
}

bool FlowNetwork::is_short(std::uint32_t link) const {
  return links_[link].wanted > capacities_[link] * kRounding;
}

void FlowNetwork::begin_flow(std::uint32_t index) {
  Set& set = sets_[index];
  set.is_flowing = true;
  set.left = set.what.bytes;
  set.since = now_;
  set.places.resize(set.what.uses.size());
  bool must_share = false;
  for (std::uint32_t u = 0; u < set.what.uses.size(); ++u) {
    const LinkUse& use = set.what.uses[u];
    Link& link = links_[use.link];
    set.places[u] = static_cast<std::uint32_t>(link.members.size());
    link.members.push_back({index, u});
    link.wanted += set.cap * use.flows;
    if (!is_short(use.link)) continue;
    see_link(use.link);
    must_share = true;
  }
  set.rate = 0.0;
  if (must_share) {
    share_anew();
  } else {
    set_rate(index, set.cap);
  }
}

void FlowNetwork::end_flow(std::uint32_t index) {
  Set& set = sets_[index];
  settle(set);
  bool must_share = false;
  for (std::uint32_t u = 0; u < set.what.uses.size(); ++u) {
    const LinkUse& use = set.what.uses[u];
    Link& link = links_[use.link];
    const bool was_short = is_short(use.link);
    take_off({index, u});
    link.wanted = link.members.empty() ? 0.0 : link.wanted - set.cap * use.flows;
    link.carried += use.flows * set.what.bytes;
    if (!was_short || link.members.empty()) continue;
    see_link(use.link);
    must_share = true;
  }
  free_.push_back(index);
  if (must_share) share_anew();
}

/// Removes a member from its link's list. The last member of the list moves to the free place.
void FlowNetwork::take_off(const Member& member) {
  const Set& set = sets_[member.set];
  std::vector<Member>& members = links_[set.what.uses[member.use].link].members;
  const std::uint32_t place = set.places[member.use];
  members[place] = members.back();
  sets_[members[place].set].places[members[place].use] = place;
  members.pop_back();
}

/// Books the bytes that a set has carried since it was last settled.
void FlowNetwork::settle(Set& set) {
  const double bytes =
      std::min(set.left, set.rate * static_cast<double>((now_ - set.since).picoseconds()) / kPicoseconds);
  if (listener_ != nullptr && bytes > 0.0) listener_->on_flow(set.what.uses, bytes, set.since, now_);
  set.left -= bytes;
  set.since = now_;
}

void FlowNetwork::set_rate(std::uint32_t index, double rate) {
  Set& set = sets_[index];
  if (set.rate == rate) return;
  settle(set);
  set.rate = rate;
  events_.move(index, now_ + time_for(set.left, rate));
}

void FlowNetwork::see_link(std::uint32_t link) {
  if (links_[link].is_seen) return;
  links_[link].is_seen = true;
  short_links_.push_back(link);
}

/// Computes the rates of all sets on the links in short_links_, and of the sets that share a short link with
/// any of these, directly or through others.
void FlowNetwork::share_anew() {
  reached_.clear();
  for (std::size_t next = 0; next < short_links_.size(); ++next) {
    for (const Member& member : links_[short_links_[next]].members) {
      Set& set = sets_[member.set];
      if (set.is_seen) continue;
      set.is_seen = true;
      reached_.push_back(member.set);
      for (const LinkUse& use : set.what.uses) {
        if (is_short(use.link)) see_link(use.link);
      }
    }
  }
  sharing_.clear();
  for (const std::uint32_t index : reached_)
    sharing_.push_back({.uses = sets_[index].what.uses, .cap = sets_[index].cap});
  max_min_.solve(sharing_, capacities_);
  for (std::size_t s = 0; s < reached_.size(); ++s) {
    set_rate(reached_[s], sharing_[s].rate);
    sets_[reached_[s]].is_seen = false;
  }
  for (const std::uint32_t link : short_links_) links_[link].is_seen = false;
  short_links_.clear();
}

}  // namespace foreshard
