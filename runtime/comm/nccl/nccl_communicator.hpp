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

/// The groups of a mesh on NCCL: one rank per GPU, connected over MPI. Buffers are in GPU memory.
///
/// Every group has its own NCCL communicator and stream, and so has each direction of the transfers to each
/// neighbouring stage. CUDA events order the streams. A call on one of them begins after the kernels that
/// were enqueued before it. Kernels enqueued after wait() begin when the call is done. In between the call
/// runs at the same time as kernels and as other groups' calls; the calls of one group, or of one direction,
/// run in their order.
///
/// Example of run_asynchronously between two kernels, with the events begin and end of the ticket:
///   kernel stream   k1  record begin   k2 …            wait for end   k3
///   group's stream      wait for begin   all-reduce   record end
/// The all-reduce starts after k1, overlaps k2, and k3 starts after the all-reduce.
class NcclCommunicator final : public Communicator {
 public:
  /// All ranks call it together. `session` and `device` must outlive the communicator.
  /// @throws CommunicationError with NCCL's error text; std::invalid_argument if the number of ranks is not
  /// the number of devices of the mesh
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
  /// Polls for NCCL's asynchronous errors until everything is done.
  void finish() override;
  void barrier() override;
  double sum_over_world(double value) override;
  double max_over_world(double value) override;

 private:
  struct Place {
    std::int64_t rank = 0;
    std::int64_t size = 0;
  };
  /// When the call of a ticket may begin, and when it is done.
  struct TicketEvents {
    CudaEvent begin;
    CudaEvent end;
  };

  [[nodiscard]] const Place& place(GroupKind group) const { return places_[static_cast<std::size_t>(group)]; }
  [[nodiscard]] Ticket begin_after_kernels(const NcclGroup& group);
  void record_end(Ticket ticket, const NcclGroup& group);
  void connect_edge(NcclGroup& edge, bool sends);
  void transfer(NcclGroup& edge, bool sends, const Buffer& buffer);
  [[nodiscard]] NcclGroup& group_of(GroupKind kind);
  void connect_groups(const DeviceMesh& mesh);
  void connect_stages(const DeviceMesh& mesh);
  void enqueue(const CollectiveCall& call, NcclGroup& group);
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
  MpiCommunicator host_;  // for buffers in host memory
  std::array<Place, kGroupKindCount> places_{};
  std::array<std::shared_ptr<NcclGroup>, kGroupKindCount> groups_;  // kinds with the same members share one
  std::array<std::optional<NcclGroup>, 8> edges_;                   // by tag, direction and peer
  std::vector<TicketEvents> events_;                                // by ticket
  std::vector<Ticket> free_;
  std::unique_ptr<DeviceMemory> staging_;
  std::int64_t staging_bytes_ = 0;
};

}  // namespace foreshard
