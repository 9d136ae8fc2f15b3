#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/comm/communicator.hpp"

namespace foreshard::test {

/// Runs each asynchronous collective only when it is waited for. Whoever reads its result too early finds old
/// numbers, and whoever overwrites its input too early corrupts the result.
class LateCommunicator final : public Communicator {
 public:
  explicit LateCommunicator(Communicator& inner) : inner_(inner) {}

  [[nodiscard]] std::string name() const override { return "late " + inner_.name(); }
  [[nodiscard]] Rank rank() const override { return inner_.rank(); }
  [[nodiscard]] std::int64_t size() const override { return inner_.size(); }
  [[nodiscard]] std::int64_t group_rank(GroupKind group) const override { return inner_.group_rank(group); }
  [[nodiscard]] std::int64_t group_size(GroupKind group) const override { return inner_.group_size(group); }
  void run(const CollectiveCall& call) override { inner_.run(call); }
  [[nodiscard]] bool runs_asynchronously() const override { return true; }
  Ticket run_asynchronously(const CollectiveCall& call, const ClockMarks& marks) override {
    late_.push_back({call, marks});
    return Ticket(kFirstLate + static_cast<int>(late_.size()) - 1);
  }
  Ticket start(const TransferCall& call) override { return inner_.start(call); }
  void wait(Ticket ticket) override {
    if (ticket.value() < kFirstLate) return inner_.wait(ticket);
    const auto& [call, marks] = late_[static_cast<std::size_t>(ticket.value() - kFirstLate)];
    marks.clock.mark(marks.begin);
    inner_.run(call);
    marks.clock.mark(marks.end);
  }
  void progress() override { inner_.progress(); }
  void finish() override { inner_.finish(); }
  void barrier() override { inner_.barrier(); }
  double sum_over_world(double value) override { return inner_.sum_over_world(value); }
  double max_over_world(double value) override { return inner_.max_over_world(value); }

  [[nodiscard]] std::size_t late() const { return late_.size(); }

 private:
  struct Late {
    CollectiveCall call;
    ClockMarks marks;
  };
  static constexpr int kFirstLate = 1 << 20;
  Communicator& inner_;
  std::vector<Late> late_;
};

}  // namespace foreshard::test
