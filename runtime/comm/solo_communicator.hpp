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

/// One rank of a mesh whose other ranks are not there: to see what a rank's kernels take without the machines
/// that its step needs. Nothing is sent, and a run has one rank. What would come from others is made up of
/// what the rank has itself, so that kernels meet ordinary numbers: gathers repeat the own share, reductions
/// keep the own summand, transfers bring small random numbers.
class SoloCommunicator final : public Communicator {
 public:
  /// @pre rank is one of the mesh's; `device` outlives this
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
  /// This rank's own value: there is no other.
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
