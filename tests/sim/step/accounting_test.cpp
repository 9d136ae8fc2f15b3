#include <thread>

#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

TEST_CASE("a collective over all stages starts when the last stage arrives") {
  // Stage 0 computes 10, stage 1 computes 50; both reduce for 5 and compute 1 after it.
  HandProgram hand(2);
  const TensorId norm = hand.tensor("norm", Lifetime::step, false);
  const TimedOp reduce = collective("reduce", GroupKind::world, Lane::world, 5, {add_to(norm)});
  const TimedOp after = kernel("after", 1, {read(norm)});
  hand.run_once(0, hand.block("short", {kernel("own", 10, {add_to(norm)}), reduce, after}));
  hand.run_once(1, hand.block("long", {kernel("own", 50, {add_to(norm)}), reduce, after}));
  Timeline timeline;
  const SimulationResult result = simulate(hand, timeline);
  for (const Span& span : spans_named(hand, timeline, "reduce")) {
    CHECK(span.start == 50'000);
    CHECK(span.end == 55'000);
  }
  CHECK(in_ns(result.step_time) == 56);
  // Stage 0 waits [10,50) for stage 1 and [50,55) for the collective.
  const auto dp = static_cast<std::size_t>(CommAxis::dp);
  CHECK(in_ns(result.ranks[0].bubble) == 40);
  CHECK(in_ns(result.ranks[0].exposed[dp]) == 5);
  CHECK(in_ns(result.ranks[1].bubble) == 0);
  CHECK(in_ns(result.ranks[1].exposed[dp]) == 5);
}

TEST_CASE("stages that share a table meet, and those between do not") {
  HandProgram hand(3);
  const TensorId table = hand.tensor("table", Lifetime::step, false);
  const TimedOp reduce = collective("tied", GroupKind::tied, Lane::tied, 4, {add_to(table)});
  hand.run_once(0, hand.block("first", {kernel("own", 10, {add_to(table)}), reduce}));
  hand.run_once(1, hand.block("middle", {kernel("own", 90, {})}));
  hand.run_once(2, hand.block("last", {kernel("own", 20, {add_to(table)}), reduce}));
  Timeline timeline;
  simulate(hand, timeline);
  for (const Span& span : spans_named(hand, timeline, "tied")) CHECK(span.start == 20'000);
}

TEST_CASE("compute is split by component, the optimizer apart") {
  HandProgram hand;
  TimedOp attention = kernel("attention", 30, {});
  attention.op.component = Component::attention_core;
  TimedOp update = kernel("update", 7, {});
  update.op.component = Component::optimizer;
  TimedOp zero = kernel("zero", 2, {});
  zero.op.component = Component::gradient_sync;
  hand.run_once(0, hand.block("block", {kernel("up", 10, {}), attention, update, zero}));
  const RankResult stage = simulate(hand).ranks[0];
  CHECK(in_ns(stage.compute) == 40);
  CHECK(in_ns(stage.optimizer) == 9);
  CHECK(in_ns(stage.compute_by_component[static_cast<std::size_t>(Component::ffn)]) == 10);
  CHECK(in_ns(stage.compute_by_component[static_cast<std::size_t>(Component::attention_core)]) == 30);
  CHECK(in_ns(stage.busy[static_cast<std::size_t>(Lane::compute)]) == 49);
}

TEST_CASE("what still runs behind the last kernel is exposed") {
  HandProgram hand;
  const TensorId w = hand.tensor("w", Lifetime::step);
  hand.run_once(0, hand.block("block", {kernel("update", 10, {write(w)}),
                                        collective("gather", GroupKind::dp, Lane::dp, 25, {add_to(w)})}));
  const SimulationResult result = simulate(hand);
  CHECK(in_ns(result.step_time) == 35);
  CHECK(in_ns(result.ranks[0].exposed[static_cast<std::size_t>(CommAxis::dp)]) == 25);
}

TEST_CASE("the critical path is walked back through what started each operation") {
  // Lane compute: a [0,10) b [10,40) d; lane tp: c [10,60) from a. d [60,65) reads c and b.
  // The critical path is a, c, d: 10 + 50 + 5; b is not on it.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  TimedOp d = kernel("d", 5, {read(x)});
  d.op.phase = Phase::backward_weight;
  hand.run_once(0, hand.block("block", {kernel("a", 10, {write(x)}),
                                        collective("c", GroupKind::tp, Lane::tp, 50, {add_to(x)}),
                                        kernel("b", 30, {}), d}));
  const SimulationResult result = simulate(hand);
  const PathReport& path = result.path;
  CHECK(in_ns(result.step_time) == 65);
  CHECK(in_ns(path.compute) == 15);
  CHECK(in_ns(path.communication) == 50);
  CHECK(path.waiting == SimTime());
  REQUIRE(path.entries.size() == 3);
  CHECK(path.entries[0].kind == "all-reduce");
  CHECK(in_ns(path.entries[0].time) == 50);
  CHECK(path.entries[1].kind == "gemm");
  CHECK(in_ns(path.entries[1].time) == 10);
  CHECK(path.entries[1].operations == 1);
  CHECK(path.entries[2].phase == Phase::backward_weight);
  CHECK(in_ns(path.entries[2].time) == 5);
}

TEST_CASE("the critical path of a pipeline crosses stages and accounts for the whole step") {
  // One micro-batch, three stages: every operation is on the path.
  const HandProgram hand =
      make_pipeline({.schedule = {.kind = ScheduleKind::gpipe, .stages = 3, .micro_batches = 1},
                     .forward_ns = 1000,
                     .backward_ns = 2000,
                     .transfer_ns = 300});
  const SimulationResult result = simulate(hand);
  CHECK(in_ns(result.step_time) == 3 * 3000 + 4 * 300);
  CHECK(in_ns(result.path.compute) == 9000);
  CHECK(in_ns(result.path.communication) == 1200);
  CHECK(result.path.waiting == SimTime());
}

TEST_CASE("two simulations on two threads agree, and with one alone") {
  const HandProgram hand = make_pipeline(
      {.schedule = {.kind = ScheduleKind::interleaved, .stages = 4, .chunks = 2, .micro_batches = 16},
       .forward_ns = 1009,
       .backward_ns = 2003,
       .transfer_ns = 307});
  Timeline alone;
  simulate(hand, alone);
  Timeline first;
  Timeline second;
  std::thread one([&] { simulate(hand, first); });
  std::thread two([&] { simulate(hand, second); });
  one.join();
  two.join();
  CHECK(first.spans() == alone.spans());
  CHECK(second.spans() == alone.spans());
  CHECK(alone.spans().size() ==
        4U * 2 * 16 * 2 + 2U * 2 * 7 * 16);  // kernels; both ends of 7 boundaries, both ways
}

TEST_CASE("a sum of the timeline agrees with the timeline") {
  const HandProgram hand =
      make_pipeline({.schedule = {.kind = ScheduleKind::gpipe, .stages = 2, .micro_batches = 3},
                     .forward_ns = 1000,
                     .backward_ns = 2000});
  TimelineSum sum(hand.program);
  const SimulationResult result = simulate(hand, sum);
  CHECK(sum.of(BlockId(0), OpId(0)).count == 6);
  CHECK(sum.of(BlockId(0), OpId(0)).time == 6 * 1'000'000);
  CHECK(sum.end() == result.step_time.picoseconds());
}
