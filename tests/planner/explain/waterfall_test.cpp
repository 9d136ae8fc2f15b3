#include "planner/explain/waterfall.hpp"

#include <cmath>
#include <numeric>

#include "planner/program/build/build_step_program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_bundled_jobs.hpp"
#include "tests/support/random_jobs.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

Waterfall waterfall_of(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  return waterfall(job, program, estimate(job, program));
}

Seconds sum_of(const Waterfall& waterfall) {
  return std::accumulate(waterfall.parts.begin(), waterfall.parts.end(), Seconds(),
                         [](Seconds sum, const WaterfallPart& part) { return sum + part.time; });
}

bool adds_up(const Waterfall& waterfall) {
  return std::abs((sum_of(waterfall) - waterfall.step).value()) <= 1e-12 * waterfall.step.value();
}

/// One layer with h = 8192 everywhere, 8192 tokens, one device of 1 PFLOP/s that sustains half of it.
JobSpec cube() {
  JobSpec job;
  job.model = llama_shaped(1, 8192, 8192, 64, 64, 8192);
  job.cluster = round_cluster(1, 1);
  for (auto& rate : job.cluster.accelerator.gemm)
    if (rate) rate->efficiency = 0.5;
  job.training.sequence_length = 8192;
  job.training.micro_batch = 1;
  job.training.global_batch = 1;
  return job;
}

}  // namespace

TEST_CASE("the parts of the waterfall add up to the step, for random jobs") {
  JobDraw draw(26);
  for (int i = 0; i < 150; ++i) {
    const JobSpec job = draw.next();
    CAPTURE(i);
    CHECK(adds_up(waterfall_of(job)));
  }
}

TEST_CASE("the parts of the waterfall add up to the step, for bundled models with every key") {
  BundledJobDraw draw(8);
  for (int i = 0; i < 12; ++i) {
    const BundledJob drawn = draw.next();
    CAPTURE(drawn.text);
    CHECK(adds_up(waterfall_of(drawn.job)));
  }
}

TEST_CASE("the waterfall of one layer by hand") {
  // Weights: q, k, v, out 4·h², gate, up, down 3·h², head h²: 8·h². Products: forward 2·8·h²·s = 16·h³ as s = h,
  // training three times that. Scores: forward 2·2·s²·h = 4·h³, training 12·h³; a causal mask spares half.
  const double h3 = 8192.0 * 8192.0 * 8192.0;
  const double unit = h3 / 1e15;  // seconds at peak
  const Waterfall parts = waterfall_of(cube());
  CHECK(parts[StepPart::ideal].time.value() == Approx(60.0 * unit));
  CHECK(parts[StepPart::masked].time.value() == Approx(-6.0 * unit));
  // Half the peak: products take their time at peak once more, all of it limited by compute.
  CHECK(parts[StepPart::sustained].time.value() == Approx(48.0 * unit));
  CHECK(parts[StepPart::sustained].bounds[static_cast<std::size_t>(Bound::compute)].value() ==
        Approx(48.0 * unit));
  CHECK(std::abs(parts[StepPart::extra_work].time.value()) < 1e-9 * unit);
  CHECK(std::abs(parts[StepPart::precision].time.value()) < 1e-9 * unit);
  CHECK(std::abs(parts[StepPart::shapes].time.value()) < 1e-9 * unit);
  // Forward executes 2 of the products' 4 halves: 2·h³; backward computes the scores again, 5·h³: 7·h³ at half
  // the peak are 14, and 6 of them are in the ideal.
  CHECK(parts[StepPart::attention].time.value() == Approx(8.0 * unit));
  for (const StepPart none : {StepPart::tp, StepPart::cp, StepPart::ep, StepPart::pp, StepPart::dp,
                              StepPart::bubble, StepPart::imbalance, StepPart::recompute, StepPart::slowest})
    CHECK(parts[none].time == Seconds());
  CHECK(parts[StepPart::passes].bounds[static_cast<std::size_t>(Bound::memory)] > Seconds());
  CHECK(adds_up(parts));
}

TEST_CASE("recomputation, padding and devices' spread have parts of their own") {
  JobSpec job = cube();
  const double unit = 8192.0 * 8192.0 * 8192.0 / 1e15;
  const Waterfall before = waterfall_of(job);

  JobSpec again = job;
  again.training.recompute = Recompute::full;
  const Waterfall recomputed = waterfall_of(again);
  // The layer's forward once more at half the peak: 2·7·h³ of products and 2·h³ of scores, 32 units; and passes.
  CHECK(recomputed[StepPart::recompute].time.value() > 32.0 * unit);
  CHECK(recomputed[StepPart::sustained].time == before[StepPart::sustained].time);

  JobSpec padded = job;
  padded.model.vocab = 6144;
  padded.model.vocab_multiple = 8192;
  // A quarter of the head's rows are padding: 3·2·h·(h/4)·h = 1.5·h³ beyond the model's FLOPs.
  CHECK(waterfall_of(padded)[StepPart::extra_work].time.value() == Approx(1.5 * unit));
}

TEST_CASE("losses are the positive parts, the largest first") {
  const std::vector<WaterfallPart> losses = waterfall_of(cube()).losses();
  REQUIRE(losses.size() >= 2);
  CHECK(losses.front().part == StepPart::sustained);
  for (std::size_t i = 1; i < losses.size(); ++i) {
    CHECK(losses[i].time <= losses[i - 1].time);
    CHECK(losses[i].time > Seconds());
  }
}
