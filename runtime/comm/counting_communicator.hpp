#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "planner/topology/group.hpp"
#include "planner/units/count.hpp"
#include "runtime/comm/communicator.hpp"

namespace foreshard {

/// How many calls were made, and how many bytes they carried.
struct Traffic {
  std::int64_t calls = 0;
  Bytes payload{};
  friend constexpr bool operator==(const Traffic&, const Traffic&) = default;
};

/// What one rank has communicated, counted like the step program: a collective's payload is the unsplit
/// buffer (Collective::payload), a transfer's payload is its message (Send::payload).
struct TrafficCount {
  std::array<Traffic, kGroupKindCount> collectives{};  ///< by GroupKind
  Traffic sent_forward{};                              ///< to the next stage
  Traffic sent_backward{};                             ///< to the previous stage
  Traffic received{};                                  ///< from both neighbouring stages
  Traffic bookkeeping{};                               ///< CollectiveCall::bookkeeping
  [[nodiscard]] const Traffic& of(GroupKind group) const {
    return collectives[static_cast<std::size_t>(group)];
  }
};

/// Forwards every call to another communicator and counts it. Barriers, and sums and maxima over the world,
/// are not part of the step and are not counted.
class CountingCommunicator final : public Communicator {
 public:
  /// `inner` outlives this.
  explicit CountingCommunicator(Communicator& inner) : inner_(inner) {}

  [[nodiscard]] const TrafficCount& traffic() const { return traffic_; }
  /// Sets all counts to 0.
  void reset() { traffic_ = {}; }

  [[nodiscard]] std::string name() const override { return inner_.name(); }
  [[nodiscard]] Rank rank() const override { return inner_.rank(); }
  [[nodiscard]] std::int64_t size() const override { return inner_.size(); }
  [[nodiscard]] std::int64_t group_rank(GroupKind group) const override { return inner_.group_rank(group); }
  [[nodiscard]] std::int64_t group_size(GroupKind group) const override { return inner_.group_size(group); }

  void run(const CollectiveCall& call) override;
  [[nodiscard]] bool runs_asynchronously() const override { return inner_.runs_asynchronously(); }
  Ticket run_asynchronously(const CollectiveCall& call, const ClockMarks& marks) override;
  Ticket start(const TransferCall& call) override;
  void wait(Ticket ticket) override { inner_.wait(ticket); }
  void progress() override { inner_.progress(); }
  void finish() override { inner_.finish(); }
  void barrier() override { inner_.barrier(); }
  double sum_over_world(double value) override { return inner_.sum_over_world(value); }
  double max_over_world(double value) override { return inner_.max_over_world(value); }

 private:
  void count_collective(const CollectiveCall& call);

  Communicator& inner_;
  TrafficCount traffic_;
};

}  // namespace foreshard
