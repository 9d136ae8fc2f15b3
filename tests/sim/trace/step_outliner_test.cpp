#include "sim/trace/step_outliner.hpp"

#include <utility>

#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

constexpr Picoseconds kSecond = 1'000'000'000'000;

/// A program of three blocks without operations: a forward pass, a backward pass, and one outside both.
StepProgram three_blocks() {
  StepProgram program;
  for (const Pass pass : {Pass::forward, Pass::backward, Pass::once})
    program.blocks.emplace_back().pass = pass;
  return program;
}

Span span(std::int32_t block, std::int32_t micro_batch, Picoseconds start, Picoseconds end) {
  Span made;
  made.block = BlockId(block);
  made.micro_batch = MicroBatch(micro_batch);
  made.start = start * kSecond;
  made.end = end * kSecond;
  return made;
}

OutlineSpan outline(Pass pass, std::int32_t micro_batch, double start, double end) {
  OutlineSpan made;
  made.pass = pass;
  made.micro_batch = MicroBatch(micro_batch);
  made.start = Seconds(start);
  made.end = Seconds(end);
  return made;
}

TEST_CASE("operations of one pass are one span until a pause that can be seen") {
  const StepProgram program = three_blocks();
  StepOutliner outliner(program, 5 * kSecond);
  outliner.add(span(0, 0, 0, 10));
  outliner.add(span(0, 0, 10, 20));
  outliner.add(span(0, 0, 25, 30));  // a pause of 5: not seen
  outliner.add(span(0, 0, 36, 40));  // a pause of 6
  outliner.add(span(0, 1, 40, 50));  // another micro-batch
  outliner.add(span(1, 1, 50, 60));  // another pass
  outliner.add(span(2, 1, 60, 61));  // in no micro-batch
  const StepOutline drawn = std::move(outliner).finish();
  CHECK(drawn.resolution == Seconds(5.0));
  CHECK(drawn.spans ==
        std::vector<OutlineSpan>{outline(Pass::forward, 0, 0.0, 30.0), outline(Pass::forward, 0, 36.0, 40.0),
                                 outline(Pass::forward, 1, 40.0, 50.0),
                                 outline(Pass::backward, 1, 50.0, 60.0), outline(Pass::once, 0, 60.0, 61.0)});
}

TEST_CASE("lanes and stages are apart, and the first rank of a stage stands for it") {
  const StepProgram program = three_blocks();
  StepOutliner outliner(program, 0);
  const auto at = [](Span made, std::int32_t stage, Lane lane, std::int32_t rank) {
    made.stage = StageId(stage);
    made.lane = lane;
    made.rank = Rank(rank);
    return made;
  };
  outliner.add(at(span(0, 0, 0, 2), 1, Lane::compute, 4));
  outliner.add(at(span(0, 0, 0, 3), 1, Lane::compute, 5));  // a second rank of stage 1
  outliner.add(at(span(0, 0, 0, 4), 0, Lane::tp, 0));
  outliner.add(at(span(0, 0, 1, 5), 0, Lane::compute, 0));
  const StepOutline drawn = std::move(outliner).finish();
  REQUIRE(drawn.spans.size() == 3);
  CHECK(drawn.spans[0].lane == Lane::compute);
  CHECK(drawn.spans[1].lane == Lane::tp);
  CHECK(drawn.spans[2].stage == StageId(1));
  CHECK(drawn.spans[2].end == Seconds(2.0));
}

}  // namespace
}  // namespace foreshard::test
