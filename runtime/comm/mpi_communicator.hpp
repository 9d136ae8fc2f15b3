#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// The groups of a mesh on MPI: one rank per device, one MPI communicator per group.
///
/// Collectives block. Transfers are non-blocking. With Open MPI the receiver of a large message copies the
/// data only while it is inside an MPI call, so the transfer advances in progress() and wait(). Buffers are
/// in host memory.
/// @throws CommunicationError for a message of more than 2^31 − 1 elements
class MpiCommunicator final : public Communicator {
 public:
  /// All ranks call it together. `session` must outlive the communicator.
  /// @throws std::invalid_argument if the number of ranks is not the number of devices of the mesh
  MpiCommunicator(const MpiSession& session, const DeviceMesh& mesh);
  ~MpiCommunicator() override;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Rank rank() const override;
  [[nodiscard]] std::int64_t size() const override;
  /// @throws std::invalid_argument if this rank is in no such group (group_size is 0)
  [[nodiscard]] std::int64_t group_rank(GroupKind group) const override;
  [[nodiscard]] std::int64_t group_size(GroupKind group) const override;

  void run(const CollectiveCall& call) override;
  Ticket start(const TransferCall& call) override;
  void wait(Ticket ticket) override;
  void progress() override;
  void finish() override {}
  void barrier() override;
  double sum_over_world(double value) override;
  double max_over_world(double value) override;

 private:
  double reduce_over_world(double value, Reduction reduction);

  class Groups;
  class Transfers;
  const MpiSession& session_;
  std::unique_ptr<Groups> groups_;
  std::unique_ptr<Transfers> transfers_;
};

}  // namespace foreshard
