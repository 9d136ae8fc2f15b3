#include "runtime/comm/hang_report.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

const HangLimits kLimits{.timeout = Seconds(60.0), .answer = Seconds(3.0)};
const std::string kHint =
    "hint: a rank that does not answer is stopped or its host is gone; one that computes may need a longer "
    "timeout";

DeviceMesh mesh(std::int64_t tp, std::int64_t dp) {
  ParallelismSpec parallelism;
  parallelism.tp = static_cast<decltype(parallelism.tp)>(tp);
  parallelism.dp = static_cast<decltype(parallelism.dp)>(dp);
  return DeviceMesh(parallelism);
}

RankStatus computing(const char* name, double seconds) {
  RankStatus status{.unchanged = Seconds(seconds), .heard = true};
  std::strncpy(status.activity.name.data(), name, RankActivity::kNameLength - 1);
  return status;
}

/// A rank that has entered `number` + 1 collectives of the group and waits in the last one.
RankStatus waiting(WireState wire, GroupKind group, std::uint64_t number, double seconds) {
  RankStatus status = computing("out", seconds);
  status.activity.wire = wire;
  status.activity.group = group;
  status.activity.entered[static_cast<std::size_t>(group)] = number + 1;
  return status;
}

TEST_CASE(
    "a hang is an operation longer than the timeout, or silence; time between operations does not count") {
  const auto hangs = [](const RankStatus& status) { return find_hang(std::vector{status}, kLimits); };
  CHECK_FALSE(hangs(computing("qkv", 59.0)));
  CHECK(hangs(computing("qkv", 60.0)));
  CHECK_FALSE(hangs(computing("", 600.0)));
  CHECK(hangs(waiting(WireState::barrier, GroupKind::world, 0, 60.0)));
  CHECK(hangs({.silent = Seconds(60.0), .heard = true}));
  CHECK_FALSE(hangs({.silent = Seconds(60.0), .heard = false}));
}

TEST_CASE("the report begins with the waits whose missing rank computes") {
  // tp groups {0,1} {2,3}, dp groups {0,2} {1,3}. Rank 3 computes; 2 waits for it in tp; 0 and 1 have
  // finished tp and wait in dp, where 2 and 3 are missing.
  std::vector<RankStatus> ranks{waiting(WireState::all_gather, GroupKind::dp, 4, 61.0),
                                waiting(WireState::all_gather, GroupKind::dp, 4, 62.0),
                                waiting(WireState::all_reduce, GroupKind::tp, 7, 63.0),
                                computing("qkv", 64.0)};
  for (RankStatus& rank : ranks) rank.activity.entered[static_cast<std::size_t>(GroupKind::tp)] = 8;
  ranks[3].activity.entered[static_cast<std::size_t>(GroupKind::tp)] = 7;
  const std::vector<std::string> hosts{"a", "a", "b", "b"};
  CHECK(describe_hang(ranks, hosts, mesh(2, 2), kLimits) ==
        "no progress for 60 s; the run is ended\n"
        "waiting in all-gather number 4 of its dp group, for \"out\" of layer 0, micro-batch 0:\n"
        "  rank 1 on host a: for 62 s\n"
        "not there:\n"
        "  rank 3 on host b: computing \"qkv\" of layer 0, micro-batch 0, for 64 s\n"
        "waiting in all-reduce number 7 of its tp group, for \"out\" of layer 0, micro-batch 0:\n"
        "  rank 2 on host b: for 63 s\n"
        "not there:\n"
        "  rank 3 on host b: computing \"qkv\" of layer 0, micro-batch 0, for 64 s\n"
        "waiting in all-gather number 4 of its dp group, for \"out\" of layer 0, micro-batch 0:\n"
        "  rank 0 on host a: for 61 s\n"
        "not there:\n"
        "  rank 2 on host b: waiting in all-reduce number 7 of its tp group, for 63 s\n" +
            kHint);
}

TEST_CASE("a rank that does not answer is missing even if it was last seen waiting") {
  std::vector<RankStatus> ranks{waiting(WireState::all_reduce, GroupKind::tp, 0, 61.0),
                                waiting(WireState::all_reduce, GroupKind::tp, 0, 1.0)};
  ranks[1].silent = Seconds(61.0);
  const std::vector<std::string> hosts{"a", "b"};
  CHECK_THAT(
      describe_hang(ranks, hosts, mesh(2, 1), kLimits),
      ContainsSubstring("not there:\n  rank 1 on host b: does not answer since 61 s; last seen waiting in "
                        "all-reduce number 0 of its tp group\n"));
  ranks[1].heard = false;
  CHECK_THAT(describe_hang(ranks, hosts, mesh(2, 1), kLimits),
             ContainsSubstring("rank 1 on host b: was never heard"));
}

TEST_CASE("members in different kinds of collectives at the same position count as missing for each other") {
  const std::vector<RankStatus> ranks{waiting(WireState::all_reduce, GroupKind::tp, 2, 61.0),
                                      waiting(WireState::all_gather, GroupKind::tp, 2, 61.0)};
  const std::vector<std::string> hosts{"a", "a"};
  CHECK_THAT(
      describe_hang(ranks, hosts, mesh(2, 1), kLimits),
      ContainsSubstring("waiting in all-reduce number 2 of its tp group, for \"out\" of layer 0, micro-batch "
                        "0:\n  rank 0 on host a: for 61 s\nnot there:\n  rank 1 on host a: waiting in "
                        "all-gather number 2 of its tp group, for 61 s\n"));
}

TEST_CASE("a rank that computes for ever while nobody waits is named") {
  const std::vector<RankStatus> ranks{computing("qkv", 61.0), computing("up", 2.0)};
  const std::vector<std::string> hosts{"a", "a"};
  CHECK(describe_hang(ranks, hosts, mesh(1, 2), kLimits) ==
        "no progress for 60 s; the run is ended\n"
        "  rank 0 on host a: computing \"qkv\" of layer 0, micro-batch 0, for 61 s\n" +
            kHint);
}

}  // namespace
}  // namespace foreshard::test
