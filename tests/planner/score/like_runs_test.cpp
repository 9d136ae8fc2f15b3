#include "planner/score/like_runs.hpp"

#include <stdexcept>

#include "planner/cost/step/error_band.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

JobSpec small_job() {
  JobSpec job =
      llama_job(llama_shaped(2, 64, 256, 8, 8, 512), {.sequence = 32, .micro_batch = 1, .global_batch = 8});
  return sharded(job, {.dp = 8});
}

/// The job as measured by somebody, `factor` times as long as predicted.
JobSpec measured(double factor) {
  JobSpec job = small_job();
  job.measured = MeasuredSpec{};
  job.measured->step_time = estimate(job).step.time * factor;
  return job;
}

}  // namespace

TEST_CASE("runs of one's own say by how much their system differs: their median") {
  const LikeRuns runs = like_runs({measured(1.1), measured(1.5), measured(1.2)});
  CHECK(runs.runs == 3);
  CHECK(runs.deviation == Approx(0.2));
  JobSpec other = measured(9.0);
  other.measured->not_judged = "another loss";
  CHECK(like_runs({measured(1.1), other}).runs == 1);
  CHECK_THROWS_AS(like_runs({other}), std::invalid_argument);
}

TEST_CASE("own runs move band and typical time, not the prediction") {
  const JobSpec job = small_job();
  Estimate planned = estimate(job);
  const Seconds before = planned.step.time;
  apply({.runs = 4, .deviation = 0.2}, job, planned);
  CHECK(planned.step.time == before);
  CHECK(planned.step.typical.own_runs == 4);
  const Deviations around = widened(kAroundOwnRuns, width_of(job));
  CHECK(planned.step.typical.time / before == Approx(1.2 * (1.0 + around.median)));
  CHECK(planned.step.time_low / before == Approx(1.2 * (1.0 + around.tenth)));
  CHECK(planned.step.time_high / before == Approx(1.2 * (1.0 + around.nine_tenths)));
  // 4 steps of 8 sequences of 32 tokens, each as long as is typical.
  JobSpec whole = job;
  whole.training.tokens = Tokens(4 * 8 * 32);
  apply({.runs = 4, .deviation = 0.2}, whole, planned);
  CHECK(*planned.training.time / planned.step.typical.time == Approx(4.0));
}
