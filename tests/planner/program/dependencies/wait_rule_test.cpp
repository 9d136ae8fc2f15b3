#include "planner/program/dependencies/wait_rule.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// Runs whose operations are written as letters: 'g' is a gather that may be prefetched by a number of runs,
/// 'x' is an exchange of experts' tokens, any other letter another operation. Records each issued operation with its run, as in "g1", and "|" after each
/// run.
struct Rank {
  std::vector<std::string> runs;
  std::int32_t early = 1;
  std::vector<std::pair<std::size_t, std::size_t>>
      in_use{};               // (now, run) at which a gather's buffer is not free
  std::vector<bool> turns{};  // by run: it is issued in turns with the run before
  std::string issued{};

  [[nodiscard]] std::size_t operations(std::size_t run) const { return runs[run].size(); }
  [[nodiscard]] std::int32_t prefetch_blocks(std::size_t run, std::uint32_t op) const {
    return runs[run][op] == 'g' ? early : 0;
  }
  [[nodiscard]] Queue queue(std::size_t run, std::uint32_t op) const {
    return static_cast<Queue>(runs[run][op] == 'x' ? Lane::ep : Lane::compute);
  }
  [[nodiscard]] bool is_in_turns(std::size_t run) const { return run < turns.size() && turns[run]; }
  [[nodiscard]] bool is_in_use(std::size_t now, std::size_t run, std::uint32_t /*op*/) const {
    for (const auto& [from, of] : in_use) {
      if (from == now && of == run) return true;
    }
    return false;
  }
  void issue(std::size_t run, std::uint32_t op) { issued += runs[run][op] + std::to_string(run) + " "; }
  void end(std::size_t /*run*/) { issued += "| "; }
};

std::string order_of(Rank rank, std::size_t most_early) {
  issue_in_order(rank, rank.runs.size(), most_early);
  return rank.issued;
}

Op collective(GroupKind group, Lane lane) {
  Op op;
  op.kind = Collective{.kind = CollectiveKind::all_reduce, .group = group};
  op.lane = lane;
  return op;
}

}  // namespace

TEST_CASE("operations are issued in program order, gathers some runs early") {
  CHECK(order_of({.runs = {"pp", "p"}}, 0) == "p0 p0 | p1 | ");
  // The example above the rule, one layer longer.
  CHECK(order_of({.runs = {"gp", "gp", "gp"}, .early = 1}, 1) == "g0 g1 p0 | g2 p1 | p2 | ");
  CHECK(order_of({.runs = {"gp", "gp", "gp"}, .early = 2}, 2) == "g0 g1 g2 p0 | p1 | p2 | ");
  // Two gathers at the start of a run are issued together; one after a product is issued in its own run.
  CHECK(order_of({.runs = {"p", "ggpg"}, .early = 1}, 1) == "g1 g1 p0 | p1 g1 | ");
}

TEST_CASE("two runs in turns: a turn ends with an exchange, and the later run has the first") {
  // The example above the rule.
  CHECK(order_of({.runs = {"axbxc", "dxexf"}, .turns = {false, true}}, 0) ==
        "d1 x1 a0 x0 e1 x1 b0 x0 f1 c0 | | ");
  // No operation of such runs is issued early.
  CHECK(order_of({.runs = {"p", "gp", "gp", "gp"}, .early = 2, .turns = {false, false, true, false}}, 2) ==
        "p0 | g2 p2 g1 p1 | | g3 p3 | ");
  // A run without exchanges has one turn.
  CHECK(order_of({.runs = {"p", "ab", "dxexf", "p"}, .turns = {false, false, true, false}}, 0) ==
        "p0 | d2 x2 a1 b1 e2 x2 f2 | | p3 | ");
}

TEST_CASE("a gather waits for the run from whose start its buffer is free") {
  // The buffer of run 2's gather is in use at the start of run 0, and free at the start of run 1.
  CHECK(order_of({.runs = {"gp", "gp", "gp"}, .early = 2, .in_use = {{0, 2}}}, 2) ==
        "g0 g1 p0 | g2 p1 | p2 | ");
  // A buffer that is never free before the gather's own run.
  CHECK(order_of({.runs = {"p", "gp"}, .early = 1, .in_use = {{0, 1}}}, 1) == "p0 | g1 p1 | ");
}

TEST_CASE("what is issued early: so many runs at most") {
  CHECK_FALSE(may_issue_early(0, 0));
  CHECK(may_issue_early(1, 0));
  CHECK(may_issue_early(1, 1));
  CHECK_FALSE(may_issue_early(1, 2));
}

TEST_CASE("writes and sums wait for readers, reads do not") {
  CHECK(waits_for_readers(Access::write));
  CHECK(waits_for_readers(Access::accumulate));
  CHECK_FALSE(waits_for_readers(Access::read));
}

TEST_CASE("queues: lanes, and one for the arrivals of each lane of transfers") {
  std::set<Queue> queues;
  for (const TransferLane& transfers : kTransferLanes) {
    Op send;
    send.kind = Send{.peer = transfers.to};
    send.lane = transfers.lane;
    CHECK(queue_of(send) == static_cast<Queue>(transfers.lane));
    Op receive = send;
    receive.kind = Recv{.peer = transfers.to == Peer::next_stage ? Peer::previous_stage : Peer::next_stage};
    CHECK(queue_of(receive) >= kLaneCount);
    queues.insert({queue_of(send), queue_of(receive)});
  }
  CHECK(queues.size() == 8);  // forward and backward, the usual way and turned; sends and receives
  CHECK(queue_of(collective(GroupKind::world, Lane::world)) == static_cast<Queue>(Lane::world));
  CHECK(queue_of(collective(GroupKind::pp, Lane::world)) == static_cast<Queue>(Lane::world));
  CHECK(queue_of(collective(GroupKind::tied, Lane::tied)) == static_cast<Queue>(Lane::tied));
  CHECK(queue_of(collective(GroupKind::tp, Lane::tp)) == static_cast<Queue>(Lane::tp));
}

TEST_CASE("what starts after compute: what says so, what is early, what fills a layer's buffer") {
  StepProgram program;
  program.tensors.resize(2);
  program.tensors[0].lifetime = Lifetime::block;
  program.tensors[1].lifetime = Lifetime::layer;
  Op gather = collective(GroupKind::dp_cp, Lane::dp);
  gather.operands = {{TensorId(0), Access::write, 0}};
  CHECK_FALSE(starts_after_compute(program, gather));
  gather.after_compute = true;
  CHECK(starts_after_compute(program, gather));
  gather.after_compute = false;
  gather.prefetch_blocks = 1;
  CHECK(starts_after_compute(program, gather));
  gather.prefetch_blocks = 0;
  gather.operands = {{TensorId(1), Access::read, 0}};
  CHECK_FALSE(starts_after_compute(program, gather));
  gather.operands = {{TensorId(1), Access::write, 0}};
  CHECK(starts_after_compute(program, gather));
  // A kernel is on the compute lane itself.
  gather.kind = Gemm{};
  CHECK_FALSE(starts_after_compute(program, gather));
}
