#include "runtime/comm/mailbox.hpp"

#include <limits>
#include <utility>

#include <fmt/format.h>
#include <mpi.h>

#include "runtime/comm/check.hpp"
#include "runtime/comm/communication_error.hpp"

namespace foreshard {
namespace {

/// No other message of the world's communicator has this tag.
constexpr int kLetterTag = 26;

}  // namespace

struct Mailbox::Sent {
  std::string bytes;
  MPI_Request request = MPI_REQUEST_NULL;
};

Mailbox::Mailbox(const MpiSession& session) : session_(session) {}

Mailbox::~Mailbox() = default;

void Mailbox::send(Rank to, std::string bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw CommunicationError(fmt::format("{}: a message of {} bytes is too long for one MPI call",
                                         place_words(session_), bytes.size()));
  Sent& sent = sent_.emplace_back(Sent{.bytes = std::move(bytes)});
  check_mpi(MPI_Isend(sent.bytes.data(), static_cast<int>(sent.bytes.size()), MPI_BYTE, to.value(),
                      kLetterTag, MPI_COMM_WORLD, &sent.request),
            "MPI_Isend", session_);
  forget_delivered();
}

std::optional<Mailbox::Letter> Mailbox::receive() {
  forget_delivered();
  int is_there = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  check_mpi(MPI_Improbe(MPI_ANY_SOURCE, kLetterTag, MPI_COMM_WORLD, &is_there, &message, &status),
            "MPI_Improbe", session_);
  if (is_there == 0) return std::nullopt;
  int size = 0;
  check_mpi(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count", session_);
  Letter letter{.from = Rank(status.MPI_SOURCE), .bytes = std::string(static_cast<std::size_t>(size), '\0')};
  check_mpi(MPI_Mrecv(letter.bytes.data(), size, MPI_BYTE, &message, MPI_STATUS_IGNORE), "MPI_Mrecv",
            session_);
  return letter;
}

void Mailbox::finish() {
  for (Sent& sent : sent_) check_mpi(MPI_Wait(&sent.request, MPI_STATUS_IGNORE), "MPI_Wait", session_);
  sent_.clear();
}

void Mailbox::forget_delivered() {
  for (auto sent = sent_.begin(); sent != sent_.end();) {
    int is_delivered = 0;
    check_mpi(MPI_Test(&sent->request, &is_delivered, MPI_STATUS_IGNORE), "MPI_Test", session_);
    sent = is_delivered != 0 ? sent_.erase(sent) : std::next(sent);
  }
}

}  // namespace foreshard
