#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/units/strong_index.hpp"
#include "runtime/comm/operation_note.hpp"

namespace foreshard {

class MpiSession;

/// What one rank tells another beside MPI.
struct StatusMessage {
  enum class Kind : std::uint8_t {
    status,  ///< what `from` is doing
    ask,     ///< may `from` say why the run ends?
    grant,   ///< it may
    deny,    ///< another does
    end,     ///< end now, with exit_code
  };
  std::uint64_t key = 0;  ///< of the run: words of others are not listened to
  Kind kind = Kind::status;
  Rank from{};
  std::int32_t exit_code = 0;
  double unchanged_s = 0.0;
  RankActivity activity{};
};

/// Datagrams (UDP) between the ranks of a run: they work while MPI hangs and from any thread, cost nothing
/// when nobody speaks, and leave nothing behind. One may get lost; whoever needs to be heard repeats itself.
/// Ranks of one host use its loopback, others all IPv4 addresses of the receiver's host. Hosts are of one
/// byte order.
class StatusExchange {
 public:
  /// All ranks together: learns everyone's address over MPI. @throws CommunicationError without a socket
  explicit StatusExchange(const MpiSession& session);
  ~StatusExchange();
  StatusExchange(const StatusExchange&) = delete;
  StatusExchange& operator=(const StatusExchange&) = delete;

  /// Fills in key and sender. What cannot be sent is lost.
  void send(Rank to, StatusMessage message) const;
  /// The next message, waited for at most so long.
  [[nodiscard]] std::optional<StatusMessage> receive(std::chrono::milliseconds timeout) const;

 private:
  /// Where one rank listens, as IPv4 addresses and port in network byte order; unused addresses are 0.
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
