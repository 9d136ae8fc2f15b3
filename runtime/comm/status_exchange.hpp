#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/units/strong_index.hpp"
#include "runtime/comm/operation_note.hpp"

namespace foreshard {

class MpiSession;

/// One message between two ranks, outside MPI.
struct StatusMessage {
  enum class Kind : std::uint8_t {
    status,  ///< says what `from` is doing
    ask,     ///< `from` asks rank 0 whether it shall print why the run ends
    grant,   ///< answer: yes
    deny,    ///< answer: no, another rank does
    end,     ///< the receiver must end now, with exit_code
  };
  std::uint64_t key = 0;  ///< of the run: messages with another key are ignored
  Kind kind = Kind::status;
  Rank from{};
  std::int32_t exit_code = 0;
  double unchanged_s = 0.0;
  RankActivity activity{};
};

/// UDP datagrams between the ranks of a run. They work while MPI hangs and from any thread, cost nothing
/// while nobody sends, and leave nothing behind. A datagram may get lost: a sender that must be heard sends
/// again. Ranks on the same host use the loopback address; other ranks send to all IPv4 addresses of the
/// receiver's host. All hosts must have the same byte order.
///
/// Example: rank 5 fails and wants to print why. It sends {ask, from 5} to rank 0. Rank 0 has not granted
/// anybody yet, so it answers {grant} and rank 5 prints. Rank 7 fails for the same reason a moment later,
/// asks, gets {deny} and waits to be ended.
class StatusExchange {
 public:
  /// All ranks call it together: they exchange their addresses over MPI.
  /// @throws CommunicationError if no socket can be opened
  explicit StatusExchange(const MpiSession& session);
  ~StatusExchange();
  StatusExchange(const StatusExchange&) = delete;
  StatusExchange& operator=(const StatusExchange&) = delete;

  /// Sets key and sender, and sends. A message that cannot be sent is lost.
  void send(Rank to, StatusMessage message) const;
  /// Waits for the next message, at most for the timeout.
  [[nodiscard]] std::optional<StatusMessage> receive(std::chrono::milliseconds timeout) const;

 private:
  /// Where one rank listens: IPv4 addresses and port in network byte order. Unused addresses are 0.
  struct Endpoint {
    static constexpr std::size_t kMostAddresses = 4;
    std::array<std::uint32_t, kMostAddresses> addresses{};
    std::uint16_t port = 0;
  };

  [[nodiscard]] Endpoint listen(bool on_one_host);

  Rank own_{};
  std::uint64_t key_ = 0;
  int socket_ = -1;
  std::vector<Endpoint> endpoints_;  ///< by rank
};

}  // namespace foreshard
