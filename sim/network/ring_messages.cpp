#include "sim/network/ring_messages.hpp"

#include <limits>
#include <vector>

#include "sim/network/flow_network.hpp"
#include "sim/network/flow_pattern.hpp"

namespace foreshard {

namespace {

struct Member {
  FlowPattern to_next;
  SimTime latency;
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  bool is_sending = false;
};

class RingMessages {
 public:
  RingMessages(const Fabric& fabric, std::span<const Rank> ranks, Bytes payload)
      : members_(ranks.size()),
        rounds_(static_cast<std::uint32_t>(2 * (ranks.size() - 1))),
        bytes_(payload.as_double() / static_cast<double>(ranks.size())),
        network_(fabric.capacities()) {
    for (std::size_t m = 0; m < ranks.size(); ++m) {
      members_[m].to_next = transfer_pattern(fabric, ranks[m], ranks[(m + 1) % ranks.size()]);
      Seconds latency;
      for (const LinkUse& use : members_[m].to_next.uses) latency += fabric.link(use.link).latency;
      members_[m].latency = to_sim_time(latency);
    }
  }

  RingRun run() {
    std::uint64_t messages = 0;
    for (std::size_t m = 0; m < members_.size(); ++m) send(m);
    while (network_.next_time()) {
      const auto ended = network_.advance();
      if (!ended) continue;
      ++messages;
      const std::size_t next = *ended + 1 == members_.size() ? 0 : *ended + 1;
      members_[*ended].is_sending = false;
      ++members_[*ended].sent;
      ++members_[next].received;
      send(*ended);
      send(next);
    }
    return {network_.now(), messages};
  }

 private:
  /// Sends the member's next block if the member is not sending, has blocks left to send and has received
  /// this one. The first block is its own.
  void send(std::size_t m) {
    Member& member = members_[m];
    if (member.is_sending || member.sent == rounds_ || member.received < member.sent) return;
    member.is_sending = true;
    network_.start({.uses = member.to_next.uses,
                    .bytes = bytes_,
                    .cap = BytesPerSecond(std::numeric_limits<double>::infinity()),
                    .latency = member.latency,
                    .tag = m},
                   network_.now());
  }

  std::vector<Member> members_;
  std::uint32_t rounds_;
  double bytes_;
  FlowNetwork network_;
};

}  // namespace

RingRun ring_all_reduce_by_messages(const Fabric& fabric, std::span<const Rank> members, Bytes payload) {
  return RingMessages(fabric, members, payload).run();
}

}  // namespace foreshard
