#pragma once

#include <cstdint>
#include <string>

#include "runtime/comm/communicator.hpp"

namespace foreshard {

/// Runs a collective of a group with one member: copies what is sent to what is received.
/// @throws std::invalid_argument if sizes do not match
void run_alone(const CollectiveCall& call);

/// One rank; every group has one member. For unsharded runs without MPI.
class LoopbackCommunicator final : public Communicator {
 public:
  [[nodiscard]] std::string name() const override { return "loopback"; }
  [[nodiscard]] Rank rank() const override { return Rank(0); }
  [[nodiscard]] std::int64_t size() const override { return 1; }
  [[nodiscard]] std::int64_t group_rank(GroupKind) const override { return 0; }
  [[nodiscard]] std::int64_t group_size(GroupKind) const override { return 1; }

  void run(const CollectiveCall& call) override { run_alone(call); }
  /// @throws std::logic_error: a pipeline of one stage has no transfers
  Ticket start(const TransferCall& call) override;
  void wait(Ticket) override {}
  void progress() override {}
  void finish() override {}
  void barrier() override {}
  double sum_over_world(double value) override { return value; }
  double max_over_world(double value) override { return value; }
};

}  // namespace foreshard
