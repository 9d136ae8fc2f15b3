#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "planner/units/quantity.hpp"
#include "sim/engine/event_queue.hpp"
#include "sim/engine/sim_time.hpp"
#include "sim/network/max_min.hpp"

namespace foreshard {

/// A set of flows that begin and end together: those of one collective, transfer or message.
struct FlowSet {
  std::span<const LinkUse> uses;  ///< must live as long as the set
  double bytes = 0.0;             ///< carried by each flow
  BytesPerSecond cap;             ///< highest rate of each flow: what the protocol or the sender allows
  SimTime latency;                ///< time before the first byte moves
  std::uint64_t tag = 0;          ///< returned by FlowNetwork::advance when the set ends
};

/// Receives what flows over links: one call for each interval in which a set's rate is constant.
class FlowListener {
 public:
  virtual ~FlowListener() = default;
  virtual void on_flow(std::span<const LinkUse> uses, double bytes_per_flow, SimTime from, SimTime to) = 0;
};

/// A simulation of flow sets on links, which the sets share max-min fairly at every instant
/// (sim/network/max_min.hpp). Flows are fluids: a switch forwards bytes as soon as they arrive. When a set
/// starts or ends, rates are computed anew only for the sets that share a full link with it, directly or
/// through other sets.
///
/// The same calls give the same times. Memory is allocated only while the number of concurrent sets, in all
/// or on a link, exceeds every earlier number.
class FlowNetwork {
 public:
  /// @param capacities by link, one direction each
  explicit FlowNetwork(std::span<const BytesPerSecond> capacities);

  /// Begins a set at `now`. A set without links flows at its cap. @pre now is not in the past, nor after
  /// next_time(); the cap is positive, and finite if there are no links. @throws ResultError where a link's
  /// capacity is zero, or so small that the set would end after the last time that the simulator's clock can
  /// hold
  void start(const FlowSet& what, SimTime now);
  /// The time of the next event: a set ends, or its latency is over and it begins to flow. None: no set is
  /// left.
  [[nodiscard]] std::optional<SimTime> next_time() const;
  /// Advances to next_time(). Returns the tag of the set that ended, if the event was the end of a set.
  std::optional<std::uint64_t> advance();
  /// Reports all bytes that flow from now on to this listener.
  void listen(FlowListener& listener) { listener_ = &listener; }

  [[nodiscard]] SimTime now() const { return now_; }
  /// Bytes that a link has carried for sets that have ended.
  [[nodiscard]] double carried(std::uint32_t link) const { return links_[link].carried; }
  [[nodiscard]] std::size_t links() const { return links_.size(); }

 private:
  struct Set {
    FlowSet what;
    double cap = 0.0;   // highest rate of each flow if no other set used its links
    double rate = 0.0;  // current rate of each flow
    double left = 0.0;  // bytes of each flow still to be carried, at `since`
    SimTime since;
    bool is_flowing = false;
    bool is_seen = false;
    std::vector<std::uint32_t> places;  // by use: index in the link's `members`
  };
  struct Member {
    std::uint32_t set = 0;
    std::uint32_t use = 0;
  };
  struct Link {
    double wanted = 0.0;  // sum of the rates of its flows if all ran at their caps
    double carried = 0.0;
    bool is_seen = false;
    std::vector<Member> members;
  };

  [[nodiscard]] bool is_short(std::uint32_t link) const;
  void begin_flow(std::uint32_t index);
  void end_flow(std::uint32_t index);
  void take_off(const Member& member);
  void settle(Set& set);
  void set_rate(std::uint32_t index, double rate);
  void see_link(std::uint32_t link);
  void share_anew();

  std::vector<double> capacities_;
  std::vector<Link> links_;
  std::vector<Set> sets_;
  std::vector<std::uint32_t> free_;  // unused entries of sets_
  EventQueue events_;
  std::uint64_t started_ = 0;
  SimTime now_;
  FlowListener* listener_ = nullptr;
  MaxMin max_min_;
  std::vector<std::uint32_t> short_links_;  // links with contention that the current change affects
  std::vector<std::uint32_t> reached_;      // sets on these links
  std::vector<MaxMin::Set> sharing_;        // the same sets, as the solver takes them
};

}  // namespace foreshard
