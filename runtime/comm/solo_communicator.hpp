#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// One rank of a mesh without the other ranks: measures how long the rank's kernels take, without the
/// machines that the whole step needs. Nothing is sent. What other ranks would send is replaced by this
/// rank's own data, so that kernels compute with ordinary numbers: a gather repeats this rank's share, a
/// reduction returns this rank's summand, a transfer delivers random numbers between −1 and 1.
class SoloCommunicator final : public Communicator {
 public:
  /// @pre `rank` is in the mesh; `device` outlives this object
  SoloCommunicator(const DeviceMesh& mesh, Rank rank, Device& device);

  [[nodiscard]] std::string name() const override { return "no communication"; }
  [[nodiscard]] Rank rank() const override { return rank_; }
  [[nodiscard]] std::int64_t size() const override { return 1; }
  [[nodiscard]] std::int64_t group_rank(GroupKind group) const override { return place(group).rank; }
  [[nodiscard]] std::int64_t group_size(GroupKind group) const override { return place(group).size; }

  void run(const CollectiveCall& call) override;
  Ticket start(const TransferCall& call) override;
  void wait(Ticket) override {}
  void progress() override {}
  void finish() override {}
  void barrier() override {}
  /// Both return this rank's value.
  double sum_over_world(double value) override { return value; }
  double max_over_world(double value) override { return value; }

 private:
  struct Place {
    std::int64_t rank = 0;
    std::int64_t size = 0;
  };
  struct Filler {
    std::unique_ptr<DeviceMemory> memory;
    std::int64_t elements = 0;
  };
  [[nodiscard]] const Place& place(GroupKind group) const { return places_[static_cast<std::size_t>(group)]; }
  static void repeat(const CollectiveCall& call, const Place& own);
  void copy(Buffer to, Buffer from);
  void add(Buffer to, Buffer from);
  [[nodiscard]] Buffer filler(DType type, std::int64_t elements);

  Device& device_;
  Rank rank_;
  std::array<Place, kGroupKindCount> places_{};
  std::map<DType, Filler> fillers_;
};

}  // namespace foreshard
