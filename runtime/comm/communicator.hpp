#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "planner/program/ops/op.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/strong_index.hpp"
#include "runtime/device/buffer.hpp"
#include "runtime/device/device.hpp"

namespace foreshard {

/// One tensor of a collective. In place: `receive` is `send`.
///   all_reduce      send and receive alike, reduced element by element
///   all_gather      send is this member's share of ceil(N/n) elements, receive all N, shares in group order;
///                   the last shares may be short or empty. In place: receive alone, where the member's own
///                   share already stands
///   reduce_scatter  the opposite: send is all N, receive this member's share. In place: receive is all N
///   too,
///                   and the member's own share of it becomes the sum; the rest is undefined
///   all_to_all      n equal parts each way
struct Piece {
  Buffer send;
  Buffer receive;
};

/// One collective over a group: one call on the wire for all its pieces where the library can. All its
/// buffers are of one dtype.
struct CollectiveCall {
  CollectiveKind kind = CollectiveKind::all_reduce;
  GroupKind group = GroupKind::tp;
  Reduction reduction = Reduction::sum;
  bool accumulate = false;  ///< reduce_scatter: what arrives is added to `receive`
  bool in_place = false;
  /// The runtime's own, not the program's: how many rows will come. Its buffers lie in the host's memory, and
  /// it is counted apart.
  bool bookkeeping = false;
  std::span<const Piece> pieces{};
  /// Where shares are known only when the call is made, its one piece carries these many elements to and from
  /// each member, one member's behind the other's: both for an all-to-all, `receive` of a gather, `send` of a
  /// scatter. The buffers may have room for more.
  std::span<const std::int64_t> send_elements{};
  std::span<const std::int64_t> receive_elements{};
  [[nodiscard]] bool is_uneven() const { return !send_elements.empty() || !receive_elements.empty(); }
};

/// A transfer between stages.
struct TransferCall {
  bool is_send = true;
  Peer peer = Peer::next_stage;
  std::int32_t tag = 0;  ///< equal on both sides; calls of one tag and direction meet in order
  Buffer buffer{};
};

/// A transfer or collective in flight; 0 … most in flight − 1.
using Ticket = StrongIndex<struct TicketTag>;

/// Two points of a device's clock.
struct ClockMarks {
  DeviceClock& clock;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// One rank's way to all others: the groups of its mesh. Calls are made from one thread.
/// What goes wrong ends the run: @throws CommunicationError with call, group, rank, host and what to try.
class Communicator {
 public:
  virtual ~Communicator() = default;

  [[nodiscard]] virtual std::string name() const = 0;  ///< "Open MPI 4.1.4"
  [[nodiscard]] virtual Rank rank() const = 0;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  /// Place in the group, and its size.
  [[nodiscard]] virtual std::int64_t group_rank(GroupKind group) const = 0;
  [[nodiscard]] virtual std::int64_t group_size(GroupKind group) const = 0;

  /// Returns when this rank's results stand in its buffers, or will before the device runs what it is handed
  /// next.
  virtual void run(const CollectiveCall& call) = 0;
  /// Whether collectives can run beside kernels. Where they cannot, none is begun, all are run.
  [[nodiscard]] virtual bool runs_asynchronously() const { return false; }
  /// Begins a collective that runs beside what the device is handed next, behind what it has been handed so
  /// far and behind the group's collectives before it; marks when it begins and when it is done. Buffers that
  /// it reads are not to be written, those that it writes not to be touched, before it has been waited for.
  /// @pre runs_asynchronously(); it neither adds to what it receives nor is the runtime's own
  virtual Ticket run_asynchronously(const CollectiveCall& call, const ClockMarks& marks);
  /// Begins a transfer; the buffer is not to be touched before it has been waited for.
  virtual Ticket start(const TransferCall& call) = 0;
  /// Returns when the buffer may be touched, or will before the device runs what it is handed next.
  virtual void wait(Ticket ticket) = 0;
  /// Lets transfers in flight go on; cheap. For libraries that move data only while they are called.
  virtual void progress() = 0;
  /// Returns when what was begun is done, on this rank: before Device::finish(), for libraries whose calls
  /// are handed in to the device.
  virtual void finish() = 0;

  /// Over all ranks.
  virtual void barrier() = 0;
  virtual double sum_over_world(double value) = 0;
  virtual double max_over_world(double value) = 0;
};

}  // namespace foreshard
