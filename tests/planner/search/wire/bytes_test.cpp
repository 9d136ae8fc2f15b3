#include "planner/search/wire/bytes.hpp"

#include <string>
#include <vector>

#include "planner/search/wire/estimate_bytes.hpp"
#include "planner/search/wire/part_bytes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

JobSpec pipelined_job() {
  JobSpec job;
  job.model = test::llama_shaped(8, 256, 512, 4, 2, 1000);
  job.cluster = test::round_cluster(1, 8);
  job.parallelism.tp = 2;
  job.parallelism.pp = 2;
  job.parallelism.dp = 2;
  job.training.sequence_length = 128;
  job.training.global_batch = 16;
  job.training.micro_batch = 1;
  job.training.tokens = Tokens(1'000'000);
  return job;
}

}  // namespace

TEST_CASE("values come back in the order in which they were written") {
  BytesWriter writer;
  writer.values(std::int64_t{-3}, std::string("two"), std::vector<double>{0.5, 1.5},
                std::vector<std::string>{"", "a"}, std::vector<std::vector<std::int64_t>>{{1}, {}, {2, 3}});
  const std::string bytes = writer.take();
  std::int64_t number = 0;
  std::string text;
  std::vector<double> reals;
  std::vector<std::string> words;
  std::vector<std::vector<std::int64_t>> lists;
  BytesReader reader(bytes);
  reader.values(number, text, reals, words, lists);
  CHECK_NOTHROW(reader.require_end());
  CHECK(number == -3);
  CHECK(text == "two");
  CHECK(reals == std::vector<double>{0.5, 1.5});
  CHECK(words == std::vector<std::string>{"", "a"});
  CHECK(lists == std::vector<std::vector<std::int64_t>>{{1}, {}, {2, 3}});
}

TEST_CASE("a cut message is an error wherever it is cut, and so is a long one") {
  const std::string bytes = to_bytes(EstimatedPlan{estimate(pipelined_job())});
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    CHECK_THROWS_WITH(plan_of_bytes(std::string_view(bytes).substr(0, size)), ContainsSubstring("shorter"));
  CHECK_THROWS_WITH(plan_of_bytes(bytes + "."), ContainsSubstring("longer"));
}

TEST_CASE("an estimate comes back whole") {
  const Estimate before = estimate(pipelined_job());
  const Estimate after = *plan_of_bytes(to_bytes(EstimatedPlan{before})).estimate;
  CHECK(after.step.time == before.step.time);
  CHECK(after.step.breakdown.bubble == before.step.breakdown.bubble);
  REQUIRE(after.memory.stages.size() == 2);
  CHECK(after.memory.stages[1].peak == before.memory.stages[1].peak);
  CHECK(after.memory.stages[1].peak_block == before.memory.stages[1].peak_block);
  CHECK(after.layer_kinds.front().kind == before.layer_kinds.front().kind);
  CHECK(after.training.time == before.training.time);
  CHECK(after.stage_layers == std::vector<std::vector<std::int64_t>>{{4}, {4}});
  CHECK(after.basis == before.basis);
  CHECK(after.notes == before.notes);
  CHECK_FALSE(plan_of_bytes(to_bytes(EstimatedPlan{})).estimate);
}

TEST_CASE("a part comes back whole") {
  SpacePart part;
  part.candidates.push_back({.point = {}, .floor = {.step = Seconds(2.0), .needed = Bytes(3)}});
  part.candidates.back().point.at[2] = 5;
  part.plans = 7;
  part.refusals.by_rule = {0, 11};
  const SpacePart after = part_of_bytes(to_bytes(part));
  REQUIRE(after.candidates.size() == 1);
  CHECK(after.candidates.front().point == part.candidates.front().point);
  CHECK(after.candidates.front().floor.step == Seconds(2.0));
  CHECK(after.candidates.front().floor.needed == Bytes(3));
  CHECK(after.plans == 7);
  CHECK(after.refusals.by_rule == std::vector<std::int64_t>{0, 11});
}
