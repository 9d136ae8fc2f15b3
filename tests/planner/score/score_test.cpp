#include "planner/score/score.hpp"

#include <stdexcept>
#include <vector>

#include "planner/cost/step/error_band.hpp"
#include "tests/planner/score/sample_cases.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

Bytes gibibytes(std::int64_t count) { return Bytes(count << 30); }

/// 8 GiB allocated and 12 reserved, 2 s within 1.5 … 2.75, with 4 s measured.
Estimate made_estimate() {
  Estimate estimate;
  estimate.step.time = Seconds(2.0);
  estimate.step.time_low = Seconds(1.5);
  estimate.step.time_high = Seconds(2.75);
  estimate.step.spread = 0.125;
  estimate.memory.allocated = gibibytes(8);
  estimate.memory.context = gibibytes(1);
  estimate.memory.capacity = gibibytes(14);
  estimate.memory.verdict = MemoryVerdict::likely_fits;
  estimate.memory.reserved = gibibytes(12);
  estimate.parameters.total = Parameters(1'000);
  return estimate;
}

JobSpec measured_job(MemoryKind kind) {
  JobSpec job;
  job.name = "job";
  job.model.name = "GPT";
  job.cluster.nodes = 2;
  job.cluster.devices_per_node = 4;
  job.cluster.accelerator.name = "card";
  job.training.global_batch = 32;
  job.training.sequence_length = 2048;
  job.measured = MeasuredSpec{};
  job.measured->step_time = Seconds(4.0);
  job.measured->peak_memory = gibibytes(16);
  job.measured->memory_kind = kind;
  return job;
}

ScoredCase with_memory(SampleCase sample, MemoryKind kind, double error) {
  ScoredCase scored = sample_case(sample);
  scored.memory = ScoredMemory{.kind = kind, .predicted = {}, .measured = {}, .error = error};
  return scored;
}

}  // namespace

TEST_CASE("a case is what was predicted over what was measured") {
  const ScoredCase scored = score_case("paper", measured_job(MemoryKind::allocated), made_estimate());
  CHECK(scored.name == "job");
  CHECK(scored.source == "paper");
  CHECK(scored.predicted == Seconds(2.0));
  CHECK(scored.low == Seconds(1.5));
  CHECK(scored.high == Seconds(2.75));
  // Nobody says that products of this accelerator were measured.
  CHECK(scored.width == kDerivedWidth);
  CHECK(scored.measured == Seconds(4.0));
  // 2 / 4 − 1
  CHECK(scored.error == Approx(-0.5));
  CHECK_FALSE(scored.in_band());
  CHECK(scored.question == Question{.model = "GPT",
                                    .parameters = Parameters(1'000),
                                    .accelerator = "card",
                                    .devices = 8,
                                    .global_batch = 32,
                                    .sequence_length = 2048});
}

TEST_CASE("memory is compared with what was measured of it") {
  const auto error = [](MemoryKind kind) {
    return score_case("paper", measured_job(kind), made_estimate()).memory->error;
  };
  // 8 / 16 − 1 and 12 / 16 − 1
  CHECK(error(MemoryKind::allocated) == Approx(-0.5));
  CHECK(error(MemoryKind::reserved) == Approx(-0.25));
  CHECK(error(MemoryKind::other) == Approx(-0.25));
  JobSpec job = measured_job(MemoryKind::other);
  job.measured->peak_memory.reset();
  CHECK_FALSE(score_case("paper", job, made_estimate()).memory);
}

TEST_CASE("whether a job ran is compared with whether the plan says so") {
  JobSpec job = measured_job(MemoryKind::other);
  // A job with a step time ran, and the plan says that it likely fits: 12 + 1 of 14 GiB.
  const ScoredVerdict ran = *score_case("paper", job, made_estimate()).verdict;
  CHECK(ran.outcome == RunOutcome::ran);
  CHECK(ran.needed == gibibytes(13));
  CHECK(ran.is_right());
  CHECK(ran.is_close());
  job.measured->step_time.reset();
  job.measured->outcome = RunOutcome::oom;
  const ScoredRun oom = score_run("paper", job, made_estimate());
  CHECK_FALSE(oom.verdict->is_right());
  CHECK(oom.memory->error == Approx(-0.25));
  Estimate refused = made_estimate();
  for (const MemoryVerdict verdict : {MemoryVerdict::tight, MemoryVerdict::does_not_fit}) {
    refused.memory.verdict = verdict;
    CHECK(score_run("paper", job, refused).verdict->is_right());
  }
  const std::vector<ScoredRun> runs{oom, score_run("paper", job, refused)};
  const SourceScore source = score_source("paper", {}, runs);
  CHECK(source.step.n == 0);
  REQUIRE(source.verdicts);
  CHECK(source.verdicts->n == 2);
  CHECK(source.verdicts->right == 1);
  CHECK(source.verdicts->oom_but_allowed == 1);
  CHECK(source.verdicts->ran_but_refused == 0);
  CHECK(source.verdicts->close == 1);
  CHECK(wrong_runs(runs, 5).size() == 1);
}

TEST_CASE("a job without a measured step time is no case") {
  JobSpec job = measured_job(MemoryKind::other);
  job.measured->step_time.reset();
  CHECK_THROWS_AS(score_case("paper", job, made_estimate()), std::invalid_argument);
  job.measured.reset();
  CHECK_THROWS_AS(score_case("paper", job, made_estimate()), std::invalid_argument);
}

TEST_CASE("the edges of a band are in it") {
  CHECK(sample_case({.predicted = 4.0, .measured = 3.0, .spread = 0.25}).in_band());
  CHECK(sample_case({.predicted = 4.0, .measured = 5.0, .spread = 0.25}).in_band());
  CHECK_FALSE(sample_case({.predicted = 4.0, .measured = 5.01, .spread = 0.25}).in_band());
}

TEST_CASE("sources are scored in the order in which they come, and all together") {
  const Score result = score({sample_case({.source = "b", .predicted = 1.1, .spread = 0.2}),
                              sample_case({.source = "a", .predicted = 0.6, .spread = 0.2}),
                              sample_case({.source = "b", .predicted = 0.9, .spread = 0.2})});
  REQUIRE(result.sources.size() == 2);
  const SourceScore& b = result.sources[0];
  CHECK(b.name == "b");
  CHECK(b.step.n == 2);
  // +10% and −10%, both within 20%
  CHECK(b.step.mean_abs == Approx(0.1));
  CHECK(b.step.bias == Approx(0.0).margin(1e-12));
  CHECK(b.coverage == Approx(1.0));
  CHECK(result.sources[1].name == "a");
  CHECK(result.sources[1].step.bias == Approx(-0.4));
  // 0.6 · 1.2 < 1
  CHECK(result.sources[1].coverage == Approx(0.0));
  CHECK(result.all.step.n == 3);
  CHECK(result.all.step.mean_abs == Approx(0.2));
  CHECK(result.all.coverage == Approx(2.0 / 3.0));
  CHECK_FALSE(result.all.ranking);
  CHECK(result.cases.size() == 3);
  CHECK_FALSE(result.band);
  CHECK_THROWS_AS(score({}), std::invalid_argument);
}

TEST_CASE("kinds of memory are kept apart") {
  const SourceScore source = score_source("paper", std::vector<ScoredCase>{
                                                       with_memory({}, MemoryKind::allocated, 0.1),
                                                       with_memory({}, MemoryKind::allocated, -0.3),
                                                       with_memory({}, MemoryKind::other, 0.5),
                                                       sample_case({}),
                                                   });
  const auto& allocated = source.memory[static_cast<std::size_t>(MemoryKind::allocated)];
  REQUIRE(allocated);
  CHECK(allocated->all.n == 2);
  CHECK(allocated->all.mean_abs == Approx(0.2));
  CHECK(allocated->all.worst_abs == Approx(0.3));
  CHECK(allocated->all.bias == Approx(-0.1));
  CHECK_FALSE(source.memory[static_cast<std::size_t>(MemoryKind::reserved)]);
  CHECK(source.memory[static_cast<std::size_t>(MemoryKind::other)]->all.n == 1);
}

TEST_CASE("the worst come first, whichever their sign") {
  const std::vector<ScoredCase> cases = {
      sample_case({.name = "small", .predicted = 0.9}), sample_case({.name = "low", .predicted = 0.5}),
      sample_case({.name = "high", .predicted = 1.75}), sample_case({.name = "as low", .predicted = 0.5})};
  const auto names = [](const std::vector<ScoredCase>& worst) {
    std::string text;
    for (const ScoredCase& scored : worst) text += scored.name + ";";
    return text;
  };
  CHECK(names(worst_cases(cases, 3)) == "high;low;as low;");
  CHECK(worst_cases(cases, 9).size() == 4);
  CHECK(worst_cases(cases, 0).empty());
}

TEST_CASE("a run that no key expresses is listed and counts in no statistics") {
  ScoredCase other = sample_case({.name = "other", .predicted = 1.0, .measured = 9.0});
  other.not_judged = "a schedule of its own";
  const Score result = score({sample_case({.predicted = 2.0, .measured = 1.0}), other});
  REQUIRE(result.cases.size() == 1);
  REQUIRE(result.not_judged.size() == 1);
  CHECK(result.not_judged[0].name == "other");
  CHECK(result.all.step.n == 1);
  CHECK(result.all.step.mean_abs == Approx(1.0));
  // With nothing but such runs there are no statistics.
  CHECK(score({other}).all.step.n == 0);
}

TEST_CASE("repeats of one plan tell how far runs of a job lie apart") {
  // 9, 10 and 11 s around a median of 10: 0.1, 0 and 0.1; the fourth has a plan of its own.
  const Score result =
      score({sample_case({.measured = 10.0, .plan = "a"}), sample_case({.measured = 9.0, .plan = "a"}),
             sample_case({.measured = 11.0, .plan = "a"}), sample_case({.measured = 99.0})});
  REQUIRE(result.noise);
  CHECK(result.noise->jobs == 1);
  CHECK(result.noise->cases == 3);
  CHECK(result.noise->mean_abs == Approx(0.2 / 3.0));
  CHECK_FALSE(score({sample_case({})}).noise);
}

TEST_CASE("cases are split by what their jobs use") {
  ScoredCase dense = sample_case({.predicted = 1.1, .measured = 1.0});
  dense.traits = {.precision = "fp8", .accelerator = "h100", .framework = "megatron"};
  ScoredCase experts = sample_case({.predicted = 0.7, .measured = 1.0});
  experts.traits = dense.traits;
  experts.traits.has_experts = true;
  const std::vector<SplitScore> splits = split_cases(std::vector<ScoredCase>{dense, experts});
  // They differ in experts alone.
  REQUIRE(splits.size() == 2);
  CHECK(splits[0].trait == "experts");
  CHECK(splits[0].value == "dense");
  CHECK(splits[0].step.bias == Approx(0.1));
  CHECK(splits[1].value == "experts");
  CHECK(splits[1].step.bias == Approx(-0.3));
}
