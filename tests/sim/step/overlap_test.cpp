#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

namespace {

using Times = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Start and end of every run of an operation, in ns.
Times times_of(const HandProgram& hand, const Timeline& timeline, const std::string& name) {
  Times times;
  for (const Span& span : spans_named(hand, timeline, name))
    times.emplace_back(span.start / 1000, span.end / 1000);
  return times;
}

constexpr auto kTp = static_cast<std::size_t>(CommAxis::tp);
constexpr auto kDp = static_cast<std::size_t>(CommAxis::dp);

}  // namespace

TEST_CASE("a collective runs beside compute that does not need it") {
  // dgrad [0,10), its all-reduce [10,16) while wgrad runs [10,18), then the reader of the sum [18,20).
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::block);
  const TensorId w = hand.tensor("w", Lifetime::block);
  TimedOp reduce = collective("all-reduce", GroupKind::tp, Lane::tp, 6, {add_to(x)});
  const auto build = [&](const TimedOp& communication) {
    hand.run_once(0, hand.block("backward", {kernel("dgrad", 10, {write(x)}), communication,
                                             kernel("wgrad", 8, {write(w)}), kernel("next", 2, {read(x)})}));
  };
  Timeline timeline;
  SECTION("no edges: hidden") {
    build(reduce);
    const SimulationResult result = simulate(hand, timeline);
    CHECK(times_of(hand, timeline, "all-reduce") == Times{{10, 16}});
    CHECK(times_of(hand, timeline, "wgrad") == Times{{10, 18}});
    CHECK(in_ns(result.step_time) == 20);
    CHECK(in_ns(result.ranks[0].exposed[kTp]) == 0);
    CHECK(in_ns(result.ranks[0].busy[static_cast<std::size_t>(Lane::tp)]) == 6);
  }
  SECTION("a longer one: what sticks out is exposed") {
    reduce.ns = 11;  // [10,21): the reader waits from 18 to 21
    build(reduce);
    const SimulationResult result = simulate(hand, timeline);
    CHECK(in_ns(result.step_time) == 23);
    CHECK(in_ns(result.ranks[0].exposed[kTp]) == 3);
    CHECK(in_ns(result.ranks[0].bubble) == 0);
  }
  SECTION("holds_compute: the next kernel waits for it") {
    reduce.op.blocks_compute = true;
    build(reduce);
    const SimulationResult result = simulate(hand, timeline);
    CHECK(times_of(hand, timeline, "wgrad") == Times{{16, 24}});
    CHECK(in_ns(result.step_time) == 26);
    CHECK(in_ns(result.ranks[0].exposed[kTp]) == 6);
  }
}

TEST_CASE("after_compute: a collective waits for all compute before it") {
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::block);
  TimedOp reduce = collective("all-reduce", GroupKind::dp, Lane::dp, 5, {add_to(x)});
  const bool waits = GENERATE(false, true);
  reduce.op.after_compute = waits;
  hand.run_once(0, hand.block("block", {kernel("makes x", 10, {write(x)}), kernel("other", 20, {}), reduce}));
  Timeline timeline;
  simulate(hand, timeline);
  CHECK(times_of(hand, timeline, "all-reduce") == (waits ? Times{{30, 35}} : Times{{10, 15}}));
}

TEST_CASE("a kernel that overwrites waits for the communication that still reads") {
  // x is written [0,10) and sent [10,40). The next write must not start before 40.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  const TensorId y = hand.tensor("y", Lifetime::step);
  hand.run_once(0,
                hand.block("block", {kernel("first", 10, {write(x)}),
                                     collective("gather", GroupKind::tp, Lane::tp, 30, {read(x), write(y)}),
                                     kernel("second", 10, {write(x)})}));
  Timeline timeline;
  simulate(hand, timeline);
  CHECK(times_of(hand, timeline, "second") == Times{{40, 50}});
}

TEST_CASE("instances of a tensor are told apart by layer") {
  // Each layer's gather takes 30 and is read by that layer only; no layer waits for another layer's gather.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  const TensorId y = hand.tensor("y", Lifetime::step);
  const BlockId made =
      hand.block("made", {kernel("make", 10, {write(x)}),
                          collective("gather", GroupKind::tp, Lane::tp, 30, {read(x), write(y)})});
  const BlockId used = hand.block("used", {kernel("use", 1, {read(y)})});
  for (const int layer : {0, 1, 2}) hand.run_once(0, made, layer);
  for (const int layer : {0, 1, 2}) hand.run_once(0, used, layer);
  Timeline timeline;
  simulate(hand, timeline);
  // make [0,10) [10,20) [20,30); gather [10,40) [40,70) [70,100); use starts when its layer's gather has
  // ended.
  CHECK(times_of(hand, timeline, "use") == Times{{40, 41}, {70, 71}, {100, 101}});
}

TEST_CASE("a gather is issued so many blocks early") {
  // Three layers of 100 with gathers of 60; the weights are available from the start.
  HandProgram hand;
  const TensorId weights = hand.tensor("weights", Lifetime::step);
  const TensorId whole = hand.tensor("whole", Lifetime::layer);
  TimedOp gather = collective("gather", GroupKind::dp_cp, Lane::dp, 60, {read(weights), write(whole)});
  const std::int8_t early = GENERATE(std::int8_t{0}, std::int8_t{1}, std::int8_t{2});
  gather.op.prefetch_blocks = early;
  const BlockId layer = hand.block("layer", {gather, kernel("product", 100, {read(whole)})});
  for (const int l : {0, 1, 2, 3}) hand.run_once(0, layer, l);
  Timeline timeline;
  const SimulationResult result = simulate(hand, timeline);
  const Times gathers = times_of(hand, timeline, "gather");
  if (early == 0) {
    // Each gather starts with its own block call, so nothing overlaps.
    CHECK(gathers == Times{{0, 60}, {160, 220}, {320, 380}, {480, 540}});
    CHECK(in_ns(result.step_time) == 640);
    CHECK(in_ns(result.ranks[0].exposed[kDp]) == 240);
  } else if (early == 1) {
    // Layer 1's gather is issued at the start of layer 0's block call, after layer 0's gather; layer 2's when
    // layer 0's product has ended.
    CHECK(gathers == Times{{0, 60}, {60, 120}, {160, 220}, {260, 320}});
    CHECK(in_ns(result.step_time) == 460);
    CHECK(in_ns(result.ranks[0].exposed[kDp]) == 60);
  } else {
    CHECK(gathers == Times{{0, 60}, {60, 120}, {120, 180}, {180, 240}});
    CHECK(in_ns(result.step_time) == 460);
  }
}

TEST_CASE("a pipelined collective runs piece by piece beside its product") {
  // A group of four members cuts the operations into four pieces.
  HandProgram hand;
  hand.program.groups[static_cast<std::size_t>(GroupKind::tp)].size = 4;
  const TensorId part = hand.tensor("part", Lifetime::block);
  const TensorId whole = hand.tensor("whole", Lifetime::block);
  const TensorId out = hand.tensor("out", Lifetime::block);
  Timeline timeline;
  SECTION("that it feeds") {
    // Gather [0,40) in pieces of 10; the product, pieces of 25, starts with the first: [10,110).
    TimedOp gather = collective("gather", GroupKind::tp, Lane::tp, 40, {read(part), write(whole)});
    gather.op.pipelined = true;
    hand.run_once(0, hand.block("block", {gather, kernel("product", 100, {read(whole), write(out)})}));
    const SimulationResult result = simulate(hand, timeline);
    CHECK(times_of(hand, timeline, "product") == Times{{10, 110}});
    CHECK(in_ns(result.ranks[0].exposed[kTp]) == 10);
  }
  SECTION("that feeds it") {
    // The product [0,100) runs in pieces of 25; the scatter's pieces of 10 start at 25, 50, 75, 100: it ends
    // at 110.
    TimedOp scatter = collective("scatter", GroupKind::tp, Lane::tp, 40, {read(whole), write(out)});
    scatter.op.pipelined = true;
    hand.run_once(0, hand.block("block", {kernel("product", 100, {read(part), write(whole)}), scatter}));
    const SimulationResult result = simulate(hand, timeline);
    CHECK(times_of(hand, timeline, "scatter") == Times{{25, 110}});
    CHECK(in_ns(result.ranks[0].busy[kTp + 1]) == 40);
  }
  SECTION("slower than the product") {
    // Gather [0,400) in pieces of 100; a piece of 25 of the product follows each of them: it ends at 425.
    TimedOp gather = collective("gather", GroupKind::tp, Lane::tp, 400, {read(part), write(whole)});
    gather.op.pipelined = true;
    hand.run_once(0, hand.block("block", {gather, kernel("product", 100, {read(whole), write(out)})}));
    const SimulationResult result = simulate(hand, timeline);
    CHECK(in_ns(result.step_time) == 425);
    CHECK(in_ns(result.ranks[0].compute) == 100);
  }
}

TEST_CASE("communication takes its share of the kernels beside it") {
  // A kernel of 100 µs runs concurrently with a collective of 40 µs at a share of 20%: in these 40 µs it does
  // 32 µs of work; the remaining 68 µs follow at full speed.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("block", {collective("gather", GroupKind::tp, Lane::tp, 40'000, {write(x)}),
                                        kernel("product", 100'000, {})}));
  CHECK(in_ns(simulate(hand).step_time) == 100'000);
  CHECK(in_ns(simulate(hand, SimulationOptions{.communication_share = 0.2}).step_time) == 108'000);
}

TEST_CASE("an exchange of tokens takes a share of its own, of several at a time the largest counts") {
  // The kernel of 100 µs runs beside an exchange of 40 µs that takes half and a gather of 60 µs that takes a fifth: 20 µs
  // of its work by 40, 16 µs more by 60, the last 64 µs alone.
  HandProgram hand;
  const TensorId x = hand.tensor("x", Lifetime::step);
  const TensorId y = hand.tensor("y", Lifetime::step);
  hand.run_once(0, hand.block("block", {collective("gather", GroupKind::tp, Lane::tp, 60'000, {write(x)}),
                                        collective("exchange", GroupKind::ep, Lane::ep, 40'000, {write(y)}),
                                        kernel("product", 100'000, {})}));
  const SimulationOptions options{.communication_share = 0.2, .exchange_share = 0.5};
  CHECK(in_ns(simulate(hand, options).step_time) == 124'000);
}

TEST_CASE("a transfer slows the kernels on both ends") {
  // Stage 0: x [0,10), sent [10,60) while a kernel of 100 runs: 50 at 80% do 40, the other 60 follow: ends at
  // 120. Stage 1: a kernel of 100 from 0: 10 at full speed, 50 at 80% do 40, the other 50 follow: ends at
  // 110.
  HandProgram hand(2);
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(
      0, hand.block("first", {kernel("x", 10'000, {write(x)}), send(Peer::next_stage, 50'000, {read(x)}),
                              kernel("beside", 100'000, {})}));
  hand.run_once(
      1, hand.block("second", {receive(Peer::previous_stage, {write(x)}), kernel("other", 100'000, {})}));
  const SimulationResult result = simulate(hand, SimulationOptions{.communication_share = 0.2});
  CHECK(in_ns(result.ranks[0].end) == 120'000);
  CHECK(in_ns(result.ranks[1].end) == 110'000);
}

TEST_CASE("options out of range are refused") {
  const HandProgram hand;
  CHECK_THROWS_AS(simulate(hand, SimulationOptions{.communication_share = 1.0}), std::invalid_argument);
  CHECK_THROWS_AS(simulate(hand, SimulationOptions{.communication_share = -0.1}), std::invalid_argument);
  CHECK_THROWS_AS(simulate(hand, SimulationOptions{.blocks_ahead = 0}), std::invalid_argument);
}
