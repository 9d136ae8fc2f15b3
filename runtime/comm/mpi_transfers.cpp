#include "runtime/comm/mpi_transfers.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/communication_error.hpp"
#include "runtime/comm/mpi_types.hpp"

namespace foreshard {
namespace {

constexpr std::string_view kHint = "both sides of a transfer must agree on its size and order";

}  // namespace

MpiTransfers::MpiTransfers(MPI_Comm comm, std::vector<Rank> stages, const MpiSession& session)
    : comm_(comm),
      stages_(std::move(stages)),
      stage_(std::find(stages_.begin(), stages_.end(), session.rank()) - stages_.begin()),
      session_(session),
      requests_(kMostInFlight, MPI_REQUEST_NULL),
      expected_(kMostInFlight),
      completed_(kMostInFlight),
      statuses_(kMostInFlight) {
  free_.reserve(kMostInFlight);
  for (std::size_t i = kMostInFlight; i > 0; --i) free_.emplace_back(i - 1);
}

Ticket MpiTransfers::start(const TransferCall& call) {
  if (free_.empty()) {
    throw CommunicationError(
        fmt::format("{}: more than {} transfers in flight", place_words(session_), kMostInFlight));
  }
  if (call.buffer.elements > std::numeric_limits<int>::max()) {
    throw CommunicationError(
        fmt::format("{}: a transfer of {} elements is beyond what one MPI call carries "
                    "(2147483647); use a smaller micro-batch",
                    place_words(session_), call.buffer.elements));
  }
  const Ticket ticket = free_.back();
  free_.pop_back();
  used_ = std::max(used_, ticket.value() + 1);

  const auto stages = static_cast<std::int64_t>(stages_.size());
  const bool to_next = call.peer == Peer::next_stage;
  const auto peer = static_cast<int>((stage_ + (to_next ? 1 : stages - 1)) % stages);
  // With two stages, each is both the next and the previous stage of the other: the tag distinguishes the
  // directions.
  const bool forward = call.is_send == to_next;
  const int tag = 2 * call.tag + (forward ? 0 : 1);
  const auto elements = static_cast<int>(call.buffer.elements);
  MPI_Datatype type = mpi_type(call.buffer.type);
  MPI_Request& request = requests_[ticket.at()];
  expected_[ticket.at()] = {.is_send = call.is_send,
                            .partner = stages_[static_cast<std::size_t>(peer)],
                            .elements = elements,
                            .type = type};
  if (call.is_send) {
    check_mpi(MPI_Isend(call.buffer.data, elements, type, peer, tag, comm_, &request), "MPI_Isend", session_);
  } else {
    check_mpi(MPI_Irecv(call.buffer.data, elements, type, peer, tag, comm_, &request), "MPI_Irecv", session_);
  }
  return ticket;
}

void MpiTransfers::wait(Ticket ticket) {
  const Expected& expected = expected_[ticket.at()];
  MPI_Request& request = requests_[ticket.at()];
  if (request != MPI_REQUEST_NULL) {
    session_.note().enter_transfer(expected.is_send ? WireState::send : WireState::receive, expected.partner);
    MPI_Status status;
    check_mpi(MPI_Wait(&request, &status), "MPI_Wait", session_, kHint);
    check_arrival(expected, status);
    session_.note().leave();
  }
  free_.push_back(ticket);
}

void MpiTransfers::progress() {
  int count = 0;
  const int result = MPI_Testsome(used_, requests_.data(), &count, completed_.data(), statuses_.data());
  check_mpi(result, "MPI_Testsome", session_, kHint);
  // MPI_Testsome sets count to MPI_UNDEFINED, a negative number, if nothing is in flight.
  for (int i = 0; i < count; ++i) {
    const auto ticket = static_cast<std::size_t>(completed_[static_cast<std::size_t>(i)]);
    check_arrival(expected_[ticket], statuses_[static_cast<std::size_t>(i)]);
  }
}

void MpiTransfers::check_arrival(const Expected& expected, const MPI_Status& status) const {
  if (expected.is_send) return;
  int arrived = 0;
  check_mpi(MPI_Get_count(&status, expected.type, &arrived), "MPI_Get_count", session_);
  if (arrived != expected.elements) {
    throw CommunicationError(fmt::format("{}: {} elements came from rank {} where {} were expected; {}",
                                         place_words(session_), arrived, expected.partner.value(),
                                         expected.elements, kHint));
  }
}

}  // namespace foreshard
