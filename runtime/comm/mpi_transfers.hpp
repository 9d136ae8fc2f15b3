#pragma once

#include <cstdint>
#include <vector>

#include <mpi.h>

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Transfers in flight between the stages of one pipeline. Only for the sources of this folder.
///
/// Example: stage 1 of 2 receives activations from stage 0 and sends their gradient back.
///   a = start(receive from previous)    ticket 0: MPI_Irecv with tag 0 (forward)
///   b = start(send to previous)         ticket 1: MPI_Isend with tag 1 (backward)
///   progress() … wait(a)                ticket 0 is free again
///   c = start(receive from previous)    ticket 0 again: tickets in use stay the lowest numbers, so that
///                                       progress() tests only requests up to the highest ticket ever used
class MpiTransfers {
 public:
  static constexpr std::size_t kMostInFlight = 1024;

  /// @param comm    has the stages in order as its members; made for this object only; the caller frees it
  /// @param stages  the members' ranks in the world
  MpiTransfers(MPI_Comm comm, std::vector<Rank> stages, const MpiSession& session);

  /// @throws CommunicationError with more than kMostInFlight in flight
  Ticket start(const TransferCall& call);
  /// @throws CommunicationError if the number of elements that arrive is not that of the buffer
  void wait(Ticket ticket);
  void progress();

 private:
  /// What check_arrival expects of the request with the same index.
  struct Expected {
    bool is_send = true;
    Rank partner{};
    int elements = 0;
    MPI_Datatype type = MPI_DATATYPE_NULL;
  };

  void check_arrival(const Expected& expected, const MPI_Status& status) const;

  MPI_Comm comm_;
  std::vector<Rank> stages_;
  std::int64_t stage_ = 0;
  const MpiSession& session_;
  // One entry per ticket, allocated at the start: nothing is allocated while the step runs.
  std::vector<MPI_Request> requests_;
  std::vector<Expected> expected_;
  std::vector<Ticket> free_;  ///< a stack with the lowest ticket on top, at first
  int used_ = 0;              ///< 1 + the highest ticket ever used
  std::vector<int> completed_;
  std::vector<MPI_Status> statuses_;
};

}  // namespace foreshard
