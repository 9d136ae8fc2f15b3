#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "planner/units/strong_index.hpp"
#include "runtime/comm/mpi_session.hpp"

namespace foreshard {

/// Messages of any length between two ranks of a run, for work that is handed out rather than planned. They keep their
/// order between two ranks. Nothing here waits for another rank, so a rank that is idle may ask as seldom as it likes;
/// but messages only move while both sides call these functions.
class Mailbox {
 public:
  /// `session` must outlive this object. There is one mailbox at a time.
  explicit Mailbox(const MpiSession& session);
  /// Messages that were not received are lost.
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  struct Letter {
    Rank from{};
    std::string bytes{};
  };

  /// @throws CommunicationError, also for messages of 2 GiB or more
  void send(Rank to, std::string bytes);
  /// The next message that has arrived, if any. @throws CommunicationError
  std::optional<Letter> receive();
  /// Waits until the receivers have taken what was sent.
  void finish();

 private:
  struct Sent;

  void forget_delivered();

  const MpiSession& session_;
  std::list<Sent> sent_;  ///< not delivered yet
};

}  // namespace foreshard
