#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"

// What waits for what on one rank. The task graph, the simulator's scripts and the planner's lane player all ask
// here; who approximates says so.
//
// Issue   A rank's host issues the operations of its runs in program order, but for gathers of weights that are
//         issued early: issue_in_order.
// Queues  Operations of one queue start in the order in which they were issued, each when the one before it has
//         ended: queue_of.
// Data    An operation waits for the last earlier write of everything it touches; one that writes waits for the
//         reads since that write too: waits_for_readers.
// Edges   starts_after_compute: the operation waits for all compute that was issued before it. blocks_compute
//         (a field of the operation): the next compute that is issued waits for it.
// Ranks   The k-th Recv from a neighbour waits for the neighbour's k-th Send in that direction; a collective
//         starts when its last member is ready.
//
// Example, of a rank that gathers the weights of a layer one run early (prefetch_blocks 1) and has two layers:
//   runs       0: [gather, product]   1: [gather, product]
//   issued     gather 0, gather 1, product 0, product 1
//   waits      gather 1 behind gather 0 (queue); product 0 for gather 0 (data); product 1 behind product 0
//              (queue) and for gather 1 (data). Gather 1 waits for no product: none was issued before it.

namespace foreshard {

/// Where an operation queues on its rank: the program's lanes, and one queue per direction for what arrives.
/// Links are full duplex, so a Recv does not queue behind the Sends of its direction.
using Queue = std::uint8_t;
inline constexpr Queue kReceivesFromPrevious = static_cast<Queue>(kLaneCount);
inline constexpr Queue kReceivesFromNext = static_cast<Queue>(kLaneCount + 1);
inline constexpr std::size_t kQueueCount = kLaneCount + 2;

/// Transfers go by their peer. Collectives over several stages (world, pp) share the world lane, on which all
/// stages move in step.
Queue queue_of(const Op& op);

/// True for an access that waits for the reads since the last write, not for that write alone.
constexpr bool waits_for_readers(Access access) { return access != Access::read; }

/// True where an operation waits for all compute issued before it: because it says so, because it is issued
/// early, or because it fills a layer's buffer, which is free from the start of the run on that issues it.
bool starts_after_compute(const StepProgram& program, const Op& op);

/// True where an operation may be issued at the start of a run that is `runs_ahead` before its own.
constexpr bool may_issue_early(std::int32_t prefetch_blocks, std::size_t runs_ahead) {
  return prefetch_blocks > 0 && static_cast<std::size_t>(prefetch_blocks) >= runs_ahead;
}

/// The order in which the host issues the operations of a stage's runs, run by run. At the start of a run, the
/// leading operations of this run and of `most_early` runs behind it are issued as far as they may: while
/// prefetch_blocks lets them and what they write is not in use.
class IssueOrder {
 public:
  IssueOrder(std::size_t runs, std::size_t most_early) : runs_(runs), issued_(most_early + 1, 0) {}

  /// Calls `rank.issue(run, op)` for every operation that is issued at the start of run `now` or in it.
  /// @param rank has operations(run), prefetch_blocks(run, op), and is_in_use(now, run, op): whether a run
  ///        from `now` on and before `run` still touches what the operation writes
  /// @pre called for 0, 1, 2 and so on
  template <class Rank>
  void issue_run(Rank& rank, std::size_t now) {
    for (std::size_t ahead = 0; ahead < issued_.size() && now + ahead < runs_; ++ahead) {
      const std::size_t run = now + ahead;
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
  }

 private:
  std::size_t runs_;
  std::vector<std::uint32_t> issued_;  // leading operations, of the run at hand and those behind it
};

/// All runs of a rank, one after the other, with `rank.end(run)` behind each.
template <class Rank>
void issue_in_order(Rank&& rank, std::size_t runs, std::size_t most_early) {
  IssueOrder order(runs, most_early);
  for (std::size_t run = 0; run < runs; ++run) {
    order.issue_run(rank, run);
    rank.end(run);
  }
}

}  // namespace foreshard
