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

/// One tensor of a collective over n members. In place: only `receive` is used, as input and as output.
///   all_reduce      `send` and `receive` have the same size; the result is the reduction element by element.
///   all_gather      `send` is this member's share of ceil(N/n) elements; `receive` has all N elements, the
///                   shares in group order. The last shares may be shorter or empty. In place: `receive`
///                   already holds this member's share.
///   reduce_scatter  `send` has all N elements; `receive` is this member's share of the sum. In place:
///                   `receive` has all N elements; this member's share of it becomes the sum, the rest is
///                   undefined.
///   all_to_all      `send` and `receive` both consist of n equal parts.
/// Example, n = 2, N = 3: the shares have 2 and 1 elements.
struct Piece {
  Buffer send;
  Buffer receive;
};

/// One collective over a group. The library sends all pieces in one call if it can. All buffers have the same
/// dtype.
struct CollectiveCall {
  CollectiveKind kind = CollectiveKind::all_reduce;
  GroupKind group = GroupKind::tp;
  Reduction reduction = Reduction::sum;
  bool accumulate = false;  ///< reduce_scatter: the result is added to `receive`
  bool in_place = false;
  /// True for a collective of the runtime that is not in the step program: it tells how many rows other ranks
  /// will send. Its buffers are in host memory, and it is counted separately.
  bool bookkeeping = false;
  std::span<const Piece> pieces{};
  /// Uneven shares, whose sizes are known only when the call is made: the number of elements to and from each
  /// member. The shares lie one after the other in the buffers of the call's only piece. An all-to-all gives
  /// both lists, an all-gather only the second, a reduce-scatter only the first. The buffers may be larger
  /// than needed.
  std::span<const std::int64_t> send_elements{};
  std::span<const std::int64_t> receive_elements{};
  [[nodiscard]] bool is_uneven() const { return !send_elements.empty() || !receive_elements.empty(); }
};

/// A point-to-point transfer between neighbouring pipeline stages.
struct TransferCall {
  bool is_send = true;
  Peer peer = Peer::next_stage;
  std::int32_t tag = 0;  ///< the same on both sides; calls with the same tag and direction match in order
  Buffer buffer{};
};

/// Identifies a transfer or collective in flight: 0 … (most in flight) − 1. Numbers are used again.
using Ticket = StrongIndex<struct TicketTag>;

/// Two marks of a device's clock: the collective's begin and its end.
struct ClockMarks {
  DeviceClock& clock;
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Communicates for one rank within the groups of its mesh. All calls come from one thread. A failure ends
/// the run. @throws CommunicationError with call, group, rank, host and what to try
class Communicator {
 public:
  virtual ~Communicator() = default;

  [[nodiscard]] virtual std::string name() const = 0;  ///< "Open MPI 4.1.4"
  [[nodiscard]] virtual Rank rank() const = 0;
  [[nodiscard]] virtual std::int64_t size() const = 0;
  /// This rank's position in the group, and the group's size.
  [[nodiscard]] virtual std::int64_t group_rank(GroupKind group) const = 0;
  [[nodiscard]] virtual std::int64_t group_size(GroupKind group) const = 0;

  /// Runs a collective. On return this rank's results are in its buffers, or they will be there before the
  /// device runs any kernel that is enqueued later.
  virtual void run(const CollectiveCall& call) = 0;
  /// Whether collectives can run at the same time as kernels. If not, call run(), never run_asynchronously().
  [[nodiscard]] virtual bool runs_asynchronously() const { return false; }
  /// Begins a collective that runs at the same time as the kernels enqueued later. It starts after the
  /// kernels enqueued so far and after the earlier collectives of its group. `marks` record its begin and its
  /// end. Until wait(), do not write to the buffers that it reads, and do not use the buffers that it writes.
  /// @pre runs_asynchronously(), !call.accumulate, !call.bookkeeping
  virtual Ticket run_asynchronously(const CollectiveCall& call, const ClockMarks& marks);
  /// Begins a transfer. Do not use its buffer until wait().
  virtual Ticket start(const TransferCall& call) = 0;
  /// Waits for a transfer or collective. On return its buffers may be used, at least by kernels enqueued
  /// later.
  virtual void wait(Ticket ticket) = 0;
  /// Advances the transfers in flight; cheap. Some MPI libraries move data only inside MPI calls.
  virtual void progress() = 0;
  /// Returns when everything that this rank has begun is done. Call it before Device::finish(), because some
  /// libraries enqueue their work on the device.
  virtual void finish() = 0;

  /// Barrier, sum and maximum over all ranks.
  virtual void barrier() = 0;
  virtual double sum_over_world(double value) = 0;
  virtual double max_over_world(double value) = 0;
};

}  // namespace foreshard
