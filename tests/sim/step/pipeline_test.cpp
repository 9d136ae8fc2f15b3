#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "planner/program/dependencies/task_graph.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

namespace {

PipelineShape equal_stages(ScheduleKind kind, std::int64_t p, std::int64_t v, std::int64_t m) {
  return {.schedule = {.kind = kind, .stages = p, .chunks = v, .micro_batches = m},
          .forward_ns = 1000,
          .backward_ns = 2000};
}

/// Each stage is busy v·m·(F + B) and idle (p − 1)·(F + B), where F and B are one chunk's times: the laws of
/// Huang et al. 2019 (GPipe) and Narayanan et al. 2021, section 2.2.
void check_bubble(const PipelineShape& shape) {
  const SimulationResult result = simulate(make_pipeline(shape));
  const std::int64_t slot = shape.forward_ns + shape.backward_ns;
  const auto [kind, p, v, m, in_turns, lag] = shape.schedule;
  CHECK(in_ns(result.step_time) == (v * m + p - 1) * slot);
  for (const RankResult& stage : result.ranks) {
    CHECK(in_ns(stage.compute) == v * m * slot);
    CHECK(in_ns(stage.bubble) == (p - 1) * slot);
  }
  const double law = static_cast<double>(p - 1) / static_cast<double>(v * m + p - 1);
  CHECK(result.bubble_fraction() == Approx(law).epsilon(1e-12));
}

}  // namespace

TEST_CASE("the bubble of GPipe and 1F1B is (p-1)/(m+p-1)") {
  for (const std::int64_t p : {1, 2, 3, 4, 8}) {
    for (const std::int64_t m : {1, 2, 4, 7, 8, 32}) {
      INFO("p " << p << " m " << m);
      check_bubble(equal_stages(ScheduleKind::gpipe, p, 1, m));
      check_bubble(equal_stages(ScheduleKind::one_f_one_b, p, 1, m));
    }
  }
}

TEST_CASE("the bubble of the interleaved schedule is (p-1)/(v m + p-1) where p divides m") {
  for (const std::int64_t p : {2, 3, 4}) {
    for (const std::int64_t v : {2, 3}) {
      for (const std::int64_t m : {p, 2 * p, 5 * p}) {
        INFO("p " << p << " v " << v << " m " << m);
        check_bubble(equal_stages(ScheduleKind::interleaved, p, v, m));
      }
    }
  }
}

TEST_CASE("two stages and two micro-batches of 1F1B, worked out by hand") {
  // F 1 µs, B 2 µs, a transfer 0.5 µs, for which only the reader of its data waits:
  //   stage 0: F0 [0,1) F1 [1,2) … B0 needs stage 1's B0: F0 arrives 1.5, F [1.5,2.5), B [2.5,4.5), arrives 5
  //   stage 1: F0 [1.5,2.5) B0 [2.5,4.5) F1 (arrived 2.5) [4.5,5.5) B1 [5.5,7.5)
  //   stage 0: B0 [5,7) B1 (arrived 8) [8,10)
  PipelineShape shape = equal_stages(ScheduleKind::one_f_one_b, 2, 1, 2);
  shape.transfer_ns = 500;
  const HandProgram hand = make_pipeline(shape);
  Timeline timeline;
  const SimulationResult result = simulate(hand, timeline);
  CHECK(in_ns(result.step_time) == 10'000);

  const auto at = [&](const std::string& name, std::int32_t stage) {
    std::vector<std::pair<std::int64_t, std::int64_t>> times;
    for (const Span& span : spans_named(hand, timeline, name)) {
      if (span.stage == StageId(stage)) times.emplace_back(span.start / 1000, span.end / 1000);
    }
    return times;
  };
  using Times = std::vector<std::pair<std::int64_t, std::int64_t>>;
  CHECK(at("forward", 0) == Times{{0, 1000}, {1000, 2000}});
  CHECK(at("forward", 1) == Times{{1500, 2500}, {4500, 5500}});
  CHECK(at("backward", 1) == Times{{2500, 4500}, {5500, 7500}});
  CHECK(at("backward", 0) == Times{{5000, 7000}, {8000, 10'000}});
  CHECK(at("send", 0) == Times{{1000, 1500}, {2000, 2500}});
  CHECK(at("receive", 1) == Times{{1000, 1500}, {2000, 2500}});  // shown while the transfer is in flight
  CHECK(at("send", 1) == Times{{4500, 5000}, {7500, 8000}});

  // Idle intervals: while a transfer is in flight they count as exposed, otherwise as pipeline bubble.
  //   stage 0: [2,4.5) bubble, [4.5,5) transfer, [7,7.5) bubble, [7.5,8) transfer
  //   stage 1: [0,1) bubble, [1,1.5) transfer, [7.5,8) its own last transfer, [8,10) bubble
  const auto pp = static_cast<std::size_t>(CommAxis::pp);
  CHECK(in_ns(result.ranks[0].bubble) == 3000);
  CHECK(in_ns(result.ranks[0].exposed[pp]) == 1000);
  CHECK(in_ns(result.ranks[1].bubble) == 3000);
  CHECK(in_ns(result.ranks[1].exposed[pp]) == 1000);
}

TEST_CASE("a transfer that holds compute delays what follows") {
  // One micro-batch, two stages: F 1, send 0.5, F 1, B 2, send 0.5, B 2 = 7 µs, held or not.
  PipelineShape shape = equal_stages(ScheduleKind::gpipe, 2, 1, 1);
  shape.transfer_ns = 500;
  CHECK(in_ns(simulate(make_pipeline(shape)).step_time) == 7000);
  // Two micro-batches of GPipe: held, stage 0 runs F0 [0,1) and F1 [1.5,2.5), which arrives at 3.
  //   stage 1: F0 [1.5,2.5) F1 [3,4) B0 [4,6) B1 [6.5,8.5) (held by the first send), arrives 9; stage 0: B1
  //   [9,11)
  shape.schedule.micro_batches = 2;
  shape.transfers_hold_compute = true;
  CHECK(in_ns(simulate(make_pipeline(shape)).step_time) == 11'000);
  // Not held: stage 0 sends F1 at 2, arrives 2.5; stage 1: F1 [2.5,3.5) B0 [3.5,5.5) B1 [5.5,7.5), arrives 8.
  shape.transfers_hold_compute = false;
  CHECK(in_ns(simulate(make_pipeline(shape)).step_time) == 10'000);
}

TEST_CASE("with free transfers each pipeline schedule keeps as many micro-batches in flight as it says") {
  for (const ScheduleKind kind : {ScheduleKind::gpipe, ScheduleKind::one_f_one_b}) {
    const PipelineShape shape = equal_stages(kind, 4, 1, 8);
    const HandProgram hand = make_pipeline(shape);
    Timeline timeline;
    simulate(hand, timeline);
    for (std::int32_t s = 0; s < 4; ++s) {
      // +1 when a forward starts, −1 when a backward ends; an end counts before a start at the same time.
      std::vector<std::pair<std::int64_t, int>> changes;
      for (const Span& span : timeline.spans()) {
        if (span.stage != StageId(s) || span.lane != Lane::compute) continue;
        const bool is_forward = hand.program.block(span.block).pass == Pass::forward;
        changes.emplace_back(is_forward ? span.start : span.end, is_forward ? 1 : -1);
      }
      std::sort(changes.begin(), changes.end());
      std::int64_t now = 0;
      std::int64_t most = 0;
      for (const auto& [time, change] : changes) most = std::max(most, now += change);
      CHECK(most == peak_in_flight(shape.schedule, StageId(s)));
    }
  }
}
