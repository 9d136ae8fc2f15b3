#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/comm/nccl/nccl_group.hpp"
#include "runtime/cuda/cuda_event.hpp"
#include "runtime/device/cuda/cuda_device.hpp"

namespace foreshard {

/// The groups of a mesh on NCCL, one rank per GPU, brought up over MPI. Buffers are memory of the GPU.
///
/// Every group has an NCCL communicator and a stream of its own; every neighbour in the pipeline has two, one
/// per direction. Whatever is handed in to one of them begins when the kernels so far are done, and kernels
/// that come after it has been waited for begin when it is done: events order the streams. In between it runs
/// beside kernels and beside other groups, in the order of its group or direction.
class NcclCommunicator final : public Communicator {
 public:
  /// All ranks together. `session` and `device` outlive the communicator.
  /// @throws CommunicationError with what NCCL says; std::invalid_argument where the run has not as many
  /// ranks as the mesh devices
  NcclCommunicator(const MpiSession& session, const DeviceMesh& mesh, CudaDevice& device);
  ~NcclCommunicator() override;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Rank rank() const override { return session_.rank(); }
  [[nodiscard]] std::int64_t size() const override { return session_.size(); }
  [[nodiscard]] std::int64_t group_rank(GroupKind group) const override { return place(group).rank; }
  [[nodiscard]] std::int64_t group_size(GroupKind group) const override { return place(group).size; }

  void run(const CollectiveCall& call) override;
  [[nodiscard]] bool runs_asynchronously() const override { return true; }
  Ticket run_asynchronously(const CollectiveCall& call, const ClockMarks& marks) override;
  Ticket start(const TransferCall& call) override;
  void wait(Ticket ticket) override;
  void progress() override {}
  /// Looks after NCCL's asynchronous errors until everything is done.
  void finish() override;
  void barrier() override;
  double sum_over_world(double value) override;
  double max_over_world(double value) override;

 private:
  struct Place {
    std::int64_t rank = 0;
    std::int64_t size = 0;
  };
  /// The points between which something is in flight.
  struct Flight {
    CudaEvent begin;
    CudaEvent end;
  };

  [[nodiscard]] const Place& place(GroupKind group) const { return places_[static_cast<std::size_t>(group)]; }
  [[nodiscard]] Ticket take_off(const NcclGroup& group);
  void land(Ticket ticket, const NcclGroup& group);
  void introduce(NcclGroup& edge, bool sends);
  void transfer(NcclGroup& edge, bool sends, const Buffer& buffer);
  [[nodiscard]] NcclGroup& group_of(GroupKind kind);
  void connect_groups(const DeviceMesh& mesh);
  void connect_stages(const DeviceMesh& mesh);
  void hand_in(const CollectiveCall& call, NcclGroup& group);
  void add_pieces(const CollectiveCall& call, NcclGroup& group);
  void run_piece(const CollectiveCall& call, const Piece& piece, NcclGroup& group);
  void gather(const CollectiveCall& call, const Piece& piece, NcclGroup& group);
  void scatter(const CollectiveCall& call, const Piece& piece, NcclGroup& group, Buffer to);
  void exchange(const Piece& piece, NcclGroup& group);
  void run_uneven(const CollectiveCall& call, const Piece& piece, NcclGroup& group);
  void broadcast(const std::byte* from, const Buffer& to, int member, NcclGroup& group);
  void reduce(const Buffer& part, std::byte* to, Reduction reduction, int member, NcclGroup& group);
  void send_and_receive(const Buffer& out, const Buffer& in, int member, NcclGroup& group);
  [[nodiscard]] Buffer staging(DType type, std::int64_t elements);
  [[nodiscard]] double reduce_over_world(double value, bool is_max);

  const MpiSession& session_;
  CudaDevice& device_;
  MpiCommunicator host_;  // for what lies in the host's memory
  std::array<Place, kGroupKindCount> places_{};
  std::array<std::shared_ptr<NcclGroup>, kGroupKindCount> groups_;  // kinds of the same members share one
  std::array<std::optional<NcclGroup>, 4> edges_;  // to next, from previous, to previous, from next
  std::vector<Flight> flights_;                    // by ticket
  std::vector<Ticket> free_;
  std::unique_ptr<DeviceMemory> staging_;
  std::int64_t staging_bytes_ = 0;
};

}  // namespace foreshard
