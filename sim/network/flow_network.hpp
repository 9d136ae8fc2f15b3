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

/// Flows that begin and end together: a collective, a transfer, a message.
struct FlowSet {
  std::span<const LinkUse> uses;  ///< must live as long as the set
  double bytes = 0.0;             ///< that each flow carries
  BytesPerSecond cap;             ///< of each flow: what the protocol or the sender allows
  SimTime latency;                ///< before the first byte moves
  std::uint64_t tag = 0;          ///< given back at the end
};

/// Hears what flows over links, stretch by stretch of constant rates.
class FlowListener {
 public:
  virtual ~FlowListener() = default;
  virtual void on_flow(std::span<const LinkUse> uses, double bytes_per_flow, SimTime from, SimTime to) = 0;
};

/// Sets of flows over links that they share max-min fairly at every instant, as fluids: a switch passes on
/// what comes in at once. A set that starts or ends changes the rates of those with which it shares a full
/// link, directly or through others, and of no more.
///
/// The same calls give the same times. Once as many sets have been under way as ever will be, and links have
/// carried as many as they ever will, nothing is allocated any more.
class FlowNetwork {
 public:
  /// @param capacities by link, one direction each
  explicit FlowNetwork(std::span<const BytesPerSecond> capacities);

  /// Begins a set at `now`. A set without links flows at its cap. @pre now is not in the past, nor behind
  /// next_time(); the cap is positive, and finite if there are no links. @throws ResultError where a link's capacity
  /// is nothing, or so little that the set ends beyond the simulator's clock
  void start(const FlowSet& what, SimTime now);
  /// When the next set ends or, past its latency, begins to flow.
  [[nodiscard]] std::optional<SimTime> next_time() const;
  /// Goes to that time. Says the tag of the set that ended, if one did.
  std::optional<std::uint64_t> advance();
  /// Of everything that flows from here on.
  void listen(FlowListener& listener) { listener_ = &listener; }

  [[nodiscard]] SimTime now() const { return now_; }
  /// What a link has carried, by sets that have ended.
  [[nodiscard]] double carried(std::uint32_t link) const { return links_[link].carried; }
  [[nodiscard]] std::size_t links() const { return links_.size(); }

 private:
  struct Set {
    FlowSet what;
    double cap = 0.0;   // what its links allow it alone, at most
    double rate = 0.0;  // now, of each flow
    double left = 0.0;  // bytes of each flow, at `since`
    SimTime since;
    bool is_flowing = false;
    bool is_seen = false;
    std::vector<std::uint32_t> places;  // by use: in the link's list
  };
  struct Member {
    std::uint32_t set = 0;
    std::uint32_t use = 0;
  };
  struct Link {
    double wanted = 0.0;  // what its flows would take if they all ran at their caps
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
  std::vector<std::uint32_t> free_;  // places in sets_
  EventQueue events_;
  std::uint64_t started_ = 0;
  SimTime now_;
  FlowListener* listener_ = nullptr;
  MaxMin max_min_;
  std::vector<std::uint32_t> short_links_;  // those that the change at hand reaches
  std::vector<std::uint32_t> reached_;      // sets on them
  std::vector<MaxMin::Set> sharing_;        // the same for the solver
};

}  // namespace foreshard
