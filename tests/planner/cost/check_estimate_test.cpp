// Impossible figures are refused by name, with the input that causes them.
#include "planner/cost/step/check_estimate.hpp"

#include <limits>

#include "planner/units/result_error.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

JobSpec small_job() {
  JobSpec job =
      llama_job(llama_shaped(4, 64, 128, 8, 8, 512), {.sequence = 32, .micro_batch = 1, .global_batch = 8});
  return sharded(job, {.tp = 2, .dp = 2});
}

}  // namespace

TEST_CASE("an efficiency of next to nothing is named as the cause of a step without an end") {
  JobSpec job = small_job();
  job.cluster.accelerator.gemm[static_cast<std::size_t>(DType::bf16)]->efficiency = 1e-320;
  CHECK_THROWS_AS(estimate(job), ResultError);
  CHECK_THROWS_WITH(estimate(job), ContainsSubstring("the step time comes out as") &&
                                       ContainsSubstring("gemm.bf16.efficiency") &&
                                       ContainsSubstring("is likely to blame"));
  job = small_job();
  job.cluster.accelerator.kernels.memory_efficiency = 1e-320;
  CHECK_THROWS_WITH(estimate(job), ContainsSubstring("kernels.memory_efficiency"));
  job = small_job();
  job.cluster.link.efficiency = 1e-320;
  CHECK_THROWS_WITH(estimate(job), ContainsSubstring("'cluster.link.efficiency'"));
  job = small_job();
  job.training.tokens = Tokens(1'000'000'000);
  job.cluster.price = DollarsPerSecond(1e30);
  CHECK_THROWS_WITH(estimate(job), ContainsSubstring("the cost of the training comes out as") &&
                                       ContainsSubstring("cluster.price_per_device_hour"));
}

TEST_CASE("every figure of an estimate is looked at") {
  const JobSpec job = small_job();
  const Estimate sound = estimate(job);
  CHECK_NOTHROW(check_estimate(job, sound));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, infinity, -1.0, 1e300}) {
    Estimate estimate = sound;
    estimate.step.breakdown.ep_exposed = Seconds(bad);
    CHECK_THROWS_WITH(check_estimate(job, estimate), ContainsSubstring("the exposed time of ep"));
    estimate = sound;
    estimate.step.mfu = bad;
    CHECK_THROWS_WITH(check_estimate(job, estimate), ContainsSubstring("the MFU"));
    estimate = sound;
    estimate.communication[static_cast<std::size_t>(CommAxis::cp)].time = Seconds(bad);
    CHECK_THROWS_WITH(check_estimate(job, estimate), ContainsSubstring("the communication of cp"));
    estimate = sound;
    estimate.training.failures = FailureFigures{.mtbf = Seconds(1.0), .interval = Seconds(bad)};
    CHECK_THROWS_WITH(check_estimate(job, estimate), ContainsSubstring("the interval of checkpoints"));
  }
}
