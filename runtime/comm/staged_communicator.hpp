#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// Copies device buffers to host memory and communicates there. For ranks that the device's own library
/// cannot connect, for example several processes on one GPU. The results are right, but it is slow: do not
/// measure with it.
class StagedCommunicator final : public Communicator {
 public:
  /// @param inner   communicates buffers in host memory
  /// @param device  must outlive this object
  StagedCommunicator(std::unique_ptr<Communicator> inner, Device& device);

  [[nodiscard]] std::string name() const override { return inner_->name() + " through the host"; }
  [[nodiscard]] Rank rank() const override { return inner_->rank(); }
  [[nodiscard]] std::int64_t size() const override { return inner_->size(); }
  [[nodiscard]] std::int64_t group_rank(GroupKind group) const override { return inner_->group_rank(group); }
  [[nodiscard]] std::int64_t group_size(GroupKind group) const override { return inner_->group_size(group); }

  void run(const CollectiveCall& call) override;
  Ticket start(const TransferCall& call) override;
  void wait(Ticket ticket) override;
  void progress() override { inner_->progress(); }
  void finish() override { inner_->finish(); }
  void barrier() override;
  double sum_over_world(double value) override { return inner_->sum_over_world(value); }
  double max_over_world(double value) override { return inner_->max_over_world(value); }

 private:
  /// A transfer in flight, with its copy in host memory.
  struct StagedTransfer {
    bool is_send = true;
    Buffer buffer{};
    std::vector<std::byte> memory{};
  };
  [[nodiscard]] Buffer stage(Buffer buffer);

  std::unique_ptr<Communicator> inner_;
  Device& device_;
  std::vector<std::byte> memory_;  // the staged buffers of one collective
  std::size_t used_ = 0;
  std::vector<Piece> pieces_;
  std::vector<StagedTransfer> transfers_;  // by ticket
};

}  // namespace foreshard
