#include "sim/step/path_log.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "sim/step/program_plan.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

namespace {

constexpr LaneId kKernels = engine_lane(0, kComputeLane);
constexpr LaneId kHost = engine_lane(0, kHostLane);
constexpr LaneId kReduces = engine_lane(0, static_cast<RankLane>(Lane::dp));

/// Two kernels, of attention and of the optimizer, and an all-reduce: operations 0, 1 and 2 of the plan.
HandProgram three_operations() {
  HandProgram hand;
  TimedOp optimizer = kernel("step", 0, {});
  optimizer.op.component = Component::optimizer;
  TimedOp attention = kernel("scores", 0, {});
  attention.op.component = Component::attention;
  hand.run_once(
      0, hand.block("block", {attention, optimizer, collective("reduce", GroupKind::dp, Lane::dp, 0, {})}));
  return hand;
}

bool are_equal(const PathReport& a, const PathReport& b) {
  const auto times = [](const PathReport& r) {
    return std::vector{r.compute, r.communication, r.host, r.waiting};
  };
  if (times(a) != times(b) || a.entries.size() != b.entries.size()) return false;
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    const PathEntry& x = a.entries[i];
    const PathEntry& y = b.entries[i];
    if (x.component != y.component || x.phase != y.phase || x.kind != y.kind ||
        x.operations != y.operations || x.time != y.time)
      return false;
  }
  return true;
}

}  // namespace

TEST_CASE("the path is walked back from the last end through what started each task") {
  const HandProgram hand = three_operations();
  const ProgramPlan plan = plan_program(hand.program, hand.times);
  for (const std::size_t most : {std::size_t{1}, std::size_t{1000}}) {
    INFO("nodes before the dead are dropped: " << most);
    PathLog log(kRankLanes, most);
    // The host submits from 0 to 5. That starts a kernel (5 to 12), which starts an all-reduce (12 to 30) and
    // another kernel (12 to 20) that starts nothing. A last kernel runs from the end of the all-reduce to 33.
    log.note_start(kHost);
    log.note_end(kHost, 0, SimTime(5));
    log.note_start(kKernels);
    log.note_end(kKernels, 0, SimTime(12));
    log.note_start(kReduces);
    log.note_start(kKernels);
    log.note_end(kKernels, 0, SimTime(20));
    log.note_end(kReduces, 2, SimTime(30));
    log.note_start(kKernels);
    log.note_end(kKernels, 1, SimTime(33));
    const PathReport report = log.report(hand.program, plan);
    CHECK(report.host == SimTime(5));
    CHECK(report.compute == SimTime(7 + 3));
    CHECK(report.communication == SimTime(18));
    CHECK(report.waiting == SimTime(0));
    REQUIRE(report.entries.size() == 4);
    CHECK(report.entries[0].kind == "all-reduce");
    CHECK(report.entries[1].time == SimTime(7));
    CHECK(report.entries[1].operations == 1);
    CHECK(report.entries[2].kind == "submit");
    CHECK(report.entries[3].component == Component::optimizer);
  }
}

TEST_CASE("dropping what leads nowhere changes no path, and bounds the log") {
  const HandProgram hand = three_operations();
  const ProgramPlan plan = plan_program(hand.program, hand.times);
  constexpr std::size_t kRanks = 5;
  constexpr std::size_t kMost = 8;
  std::mt19937_64 draw(11);
  PathLog whole(kRanks * kRankLanes, SIZE_MAX);
  PathLog bounded(kRanks * kRankLanes, kMost);
  const std::vector<RankLane> lanes{kComputeLane, kHostLane, static_cast<RankLane>(Lane::dp)};
  std::vector<bool> runs(kRanks * kRankLanes);
  std::int64_t now = 0;
  std::size_t most_nodes = 0;
  for (int turn = 0; turn < 20'000; ++turn) {
    const RankLane lane = lanes[draw() % lanes.size()];
    const LaneId id = engine_lane(draw() % kRanks, lane);
    if (runs[id.at()]) {
      now += static_cast<std::int64_t>(draw() % 5);
      const std::uint32_t op = lane == kComputeLane ? static_cast<std::uint32_t>(draw() % 2)
                               : lane == kHostLane  ? 0
                                                    : 2;
      whole.note_end(id, op, SimTime(now));
      bounded.note_end(id, op, SimTime(now));
    } else {
      whole.note_start(id);
      bounded.note_start(id);
    }
    runs[id.at()] = !runs[id.at()];
    most_nodes = std::max(most_nodes, bounded.nodes());
    if (turn % 97 == 0)
      REQUIRE(are_equal(bounded.report(hand.program, plan), whole.report(hand.program, plan)));
  }
  CHECK(are_equal(bounded.report(hand.program, plan), whole.report(hand.program, plan)));
  CHECK(whole.nodes() > 9'000);
  // 15 lanes that may run, and the last end, are 16 leaves of a forest; a forest has fewer branching nodes
  // than leaves. As many nodes again are added before the next drop.
  CHECK(most_nodes <= 2 * (16 + 15) + 1);
}
