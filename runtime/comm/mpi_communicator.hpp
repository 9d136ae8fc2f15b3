#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// The groups of a mesh on MPI, one rank of the run per device, one communicator per group.
///
/// Collectives block. Transfers are non-blocking; on Open MPI the receiving side of a large one copies the
/// data while it is inside an MPI call, so progress() and wait() are what moves them. One message carries at
/// most 2^31 − 1 elements. Buffers are memory of the host. @throws CommunicationError for more.
class MpiCommunicator final : public Communicator {
 public:
  /// All ranks together. `session` outlives the communicator.
  /// @throws std::invalid_argument where the run has not as many ranks as the mesh devices
  MpiCommunicator(const MpiSession& session, const DeviceMesh& mesh);
  ~MpiCommunicator() override;

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Rank rank() const override;
  [[nodiscard]] std::int64_t size() const override;
  /// @throws std::invalid_argument where this rank is in no such group (group_size is 0)
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
