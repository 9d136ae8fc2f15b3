#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"

// The rules for what waits for what on one rank. The task graph, the simulator's scripts and the planner's
// lane player all use them; code that approximates them says so.
//
// Issue   A rank's host issues the operations of its runs in program order, except for gathers of weights
//         that are issued early: issue_in_order.
// Turns   Two runs may be issued in turns, a forward run and behind it the backward run of another micro-batch. A
//         turn ends with an exchange of experts' tokens (ends_turn); the backward run has the first turn. So the
//         exchange of one runs while the other computes.
// Queues  Operations of one queue start in the order in which they were issued, each when the one before it
//         has ended: queue_of.
// Data    An operation waits for the last earlier write of every tensor that it reads or writes. If it
//         writes, it also waits for all reads since that write: waits_for_readers.
// Edges   starts_after_compute: the operation waits for all compute that was issued before it. blocks_compute
//         (a field of the operation): the next compute that is issued waits for it. holds_former: the next compute
//         waits for the operation's predecessor in its queue.
// Ranks   The k-th Recv of a lane of transfers waits for the neighbour's k-th Send of that lane; a collective
//         starts when its last member is ready.
//
// Example: a rank has two layers and gathers the weights of a layer one run early (prefetch_blocks 1).
//   runs       0: [gather, product]   1: [gather, product]
//   issued     gather 0, gather 1, product 0, product 1
//   waits      gather 1 for gather 0 (queue); product 0 for gather 0 (data); product 1 for product 0 (queue)
//              and for gather 1 (data). Gather 1 waits for no product, because none was issued before it.

namespace foreshard {

/// The queue of an operation on its rank: one per lane of the program, and one per lane of transfers for receives.
/// Links are full duplex, so a Recv does not queue behind the Sends of its lane.
using Queue = std::uint8_t;

/// The lanes of transfers, and to which neighbour their Sends go.
struct TransferLane {
  Lane lane;
  Peer to;
};
inline constexpr std::array kTransferLanes{TransferLane{Lane::pp_forward, Peer::next_stage},
                                           TransferLane{Lane::pp_backward, Peer::previous_stage},
                                           TransferLane{Lane::pp_forward_turned, Peer::previous_stage},
                                           TransferLane{Lane::pp_backward_turned, Peer::next_stage}};
inline constexpr std::size_t kQueueCount = kLaneCount + kTransferLanes.size();

/// The place of a lane in kTransferLanes; none if it carries no transfers.
constexpr std::optional<std::size_t> transfer_place(Lane lane) {
  for (std::size_t place = 0; place < kTransferLanes.size(); ++place) {
    if (kTransferLanes[place].lane == lane) return place;
  }
  return std::nullopt;
}

/// The queue in which the Recvs of the lane kTransferLanes[place] start.
constexpr Queue receive_queue(std::size_t place) { return static_cast<Queue>(kLaneCount + place); }

/// The queue of an operation. Collectives over several stages (world, pp) share the world lane, on which all stages run
/// the same sequence of collectives.
Queue queue_of(const Op& op);

/// True if an operation of this queue ends the turn of its run, where two runs are issued in turns.
constexpr bool ends_turn(Queue queue) { return queue == static_cast<Queue>(Lane::ep); }

/// One operation of a run.
struct IssuedOp {
  std::size_t run = 0;
  std::uint32_t op = 0;
};

/// All operations of run `forward` and of the run behind it in the order in which they are issued in turns.
/// Example with exchanges x and y: forward a x b y c, backward d x e y f: d x a x e y b y f c.
/// @param rank has operations(run) and queue(run, op)
template <class Rank>
std::vector<IssuedOp> in_turns(const Rank& rank, std::size_t forward) {
  std::vector<IssuedOp> order;
  std::array<std::uint32_t, 2> next{};
  const auto take_turn = [&](std::size_t which) {
    const std::size_t run = forward + which;
    for (bool ended = false; !ended && next[which] < rank.operations(run); ++next[which]) {
      order.push_back({run, next[which]});
      ended = ends_turn(rank.queue(run, next[which]));
    }
  };
  const std::size_t all = rank.operations(forward) + rank.operations(forward + 1);
  while (order.size() < all) {
    take_turn(1);
    take_turn(0);
  }
  return order;
}

/// True if an access waits not only for the last write but also for all reads since that write.
constexpr bool waits_for_readers(Access access) { return access != Access::read; }

/// True if an operation waits for all compute issued before it. There are three reasons: its field
/// after_compute; it is issued early; or it fills a buffer of lifetime `layer`, which is free only from the
/// start of the run that issues the operation.
bool starts_after_compute(const StepProgram& program, const Op& op);

/// True if compute that is issued after an operation waits for the one before it in its queue: copies to the host, of
/// which two are under way at most, so that what they copy is freed in time.
/// Source: TransformerEngine's `AsyncDoubleBufferGroupOffloadHandler`.
bool holds_former(const Op& op);

/// True if an operation may be issued at the start of the run that is `runs_ahead` runs before its own.
constexpr bool may_issue_early(std::int32_t prefetch_blocks, std::size_t runs_ahead) {
  return prefetch_blocks > 0 && static_cast<std::size_t>(prefetch_blocks) >= runs_ahead;
}

/// The order in which the host issues the operations of a stage's runs, run by run. At the start of a run it
/// first issues leading operations of this run and of the next `most_early` runs: in each run, from its first
/// operation on, as long as prefetch_blocks allows it and the tensors that the operation writes are not in
/// use. Then it issues the other operations of this run; of two runs that are issued in turns, those of both.
/// No operation of such runs is issued early.
class IssueOrder {
 public:
  IssueOrder(std::size_t runs, std::size_t most_early) : runs_(runs), issued_(most_early + 1, 0) {}

  /// Calls `rank.issue(run, op)` for every operation that is issued at the start of run `now` or in it.
  /// @param rank has operations(run), prefetch_blocks(run, op), queue(run, op), is_in_turns(run): true if it is
  ///        issued in turns with the run before, and is_in_use(now, run, op): true if a run from `now` on and
  ///        before `run` still uses a tensor that the operation writes
  /// @return the number of runs that were issued: 1, or 2 in turns
  /// @pre called for now = 0 and then each time for the run behind those that were issued
  template <class Rank>
  std::size_t issue_run(Rank& rank, std::size_t now) {
    if (now + 1 < runs_ && rank.is_in_turns(now + 1)) {
      for (const IssuedOp& issued : in_turns(rank, now)) rank.issue(issued.run, issued.op);
      return 2;
    }
    for (std::size_t ahead = 0; ahead < issued_.size() && now + ahead < runs_; ++ahead) {
      const std::size_t run = now + ahead;
      if (is_paired(rank, run)) continue;
      std::uint32_t& op = issued_[run % issued_.size()];
      while (op < rank.operations(run) && may_issue_early(rank.prefetch_blocks(run, op), ahead) &&
             !rank.is_in_use(now, run, op)) {
        rank.issue(run, op);
        ++op;
      }
    }
    std::uint32_t& first = issued_[now % issued_.size()];
    for (std::uint32_t op = first; op < rank.operations(now); ++op) rank.issue(now, op);
    first = 0;
    return 1;
  }

 private:
  template <class Rank>
  [[nodiscard]] bool is_paired(const Rank& rank, std::size_t run) const {
    return rank.is_in_turns(run) || (run + 1 < runs_ && rank.is_in_turns(run + 1));
  }

  std::size_t runs_;
  std::vector<std::uint32_t> issued_;  // operations issued, of this run and the next most_early ones
};

/// Issues all runs of a rank, one after the other, and calls `rank.end(run)` after each.
template <class Rank>
void issue_in_order(Rank&& rank, std::size_t runs, std::size_t most_early) {
  IssueOrder order(runs, most_early);
  for (std::size_t run = 0; run < runs;) {
    for (std::size_t behind = run + order.issue_run(rank, run); run < behind; ++run) rank.end(run);
  }
}

}  // namespace foreshard
