#pragma once

#include <cstdint>
#include <vector>

#include <mpi.h>

#include "runtime/comm/communicator.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Transfers in flight between the stages of one pipeline. For the sources of this folder alone.
class MpiTransfers {
 public:
  static constexpr std::size_t kMostInFlight = 1024;

  /// `comm` joins the stages in order, is made for this alone and freed by its maker; `stages` are its
  /// members' ranks in the world.
  MpiTransfers(MPI_Comm comm, std::vector<Rank> stages, const MpiSession& session);

  /// @throws CommunicationError with more than kMostInFlight in flight
  Ticket start(const TransferCall& call);
  /// @throws CommunicationError where another number of elements arrives than the buffer has
  void wait(Ticket ticket);
  void progress();

 private:
  /// What is expected of the request of the same number.
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
  // One entry per ticket, all made at the start: nothing is allocated while the step runs.
  std::vector<MPI_Request> requests_;
  std::vector<Expected> expected_;
  std::vector<Ticket> free_;  ///< the lowest last, so that tickets in use lie together
  int used_ = 0;              ///< tickets from here on have never been in use
  std::vector<int> completed_;
  std::vector<MPI_Status> statuses_;
};

}  // namespace foreshard
