#include "sim/step/deadlock_report.hpp"
#include "tests/sim/step/hand_program.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::hand;

namespace {

std::string complaint_of(const HandProgram& hand) {
  try {
    simulate(hand);
  } catch (const Deadlock& deadlock) {
    return deadlock.what();
  }
  return "no deadlock";
}

}  // namespace

TEST_CASE("a receive without a send names both stages") {
  HandProgram hand(2);
  const TensorId x = hand.tensor("x", Lifetime::step);
  hand.run_once(0, hand.block("work", {kernel("work", 10, {})}));
  hand.run_once(
      1,
      hand.block("receive forward", {receive(Peer::previous_stage, {write(x)}), kernel("use", 1, {read(x)})}),
      7);
  const std::string text = complaint_of(hand);
  CHECK_THAT(text, ContainsSubstring("the step of \"by hand\" is stuck after 1e-08 s:"));
  CHECK_THAT(text, ContainsSubstring(
                       "stage 1: \"receive\" of \"receive forward\" (layer 7) waits for send 1 of stage 0 on "
                       "lane pp-forward, which never comes"));
  CHECK_THAT(text,
             ContainsSubstring("stage 1: \"use\" of \"receive forward\" (layer 7) waits for \"receive\" of "
                               "\"receive forward\" (layer 7)"));
}

TEST_CASE("two stages that wait for each other name their operations and micro-batches") {
  // Stage 0 runs the backward of micro-batch 1 before the forward whose output stage 1 needs for that
  // backward.
  HandProgram hand =
      make_pipeline({.schedule = {.kind = ScheduleKind::gpipe, .stages = 2, .micro_batches = 2},
                     .forward_ns = 1,
                     .backward_ns = 1});
  Slot backward{.pass = Pass::backward, .chunk = ChunkId(0), .micro_batch = MicroBatch(1)};
  auto& order = hand.program.stages[0].order;
  order = {order[0], backward, order[1], order[2]};
  const std::string text = complaint_of(hand);
  CHECK_THAT(text, ContainsSubstring(
                       "stage 0: \"receive\" of \"receive backward\" (layer 1, micro-batch 1) waits for "
                       "stage 1's \"send\" of \"send backward\" (layer 1, micro-batch 0)"));
  CHECK_THAT(text, ContainsSubstring(
                       "stage 1: \"receive\" of \"receive forward\" (layer 1, micro-batch 1) waits for "
                       "stage 0's \"send\" of \"send forward\" (layer 1, micro-batch 1)"));
}

TEST_CASE("a collective that a stage does not call names the stage") {
  HandProgram hand(2);
  const TensorId norm = hand.tensor("norm", Lifetime::step, false);
  const BlockId once =
      hand.block("clip", {collective("reduce", GroupKind::world, Lane::world, 1, {add_to(norm)})});
  hand.run_once(0, once);
  hand.run_once(0, once);
  hand.run_once(1, once);
  CHECK_THAT(complaint_of(hand),
             ContainsSubstring(
                 "stage 0: \"reduce\" of \"clip\" (layer 0) waits for stage 1, which has no such call"));
}
