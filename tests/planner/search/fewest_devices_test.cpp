#include "planner/search/fewest_devices.hpp"

#include "planner/spec/job/validate_job.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// 0.3 G parameters; nodes of eight devices.
JobSpec small_job(std::int64_t capacity_mib) {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(4);
  job.cluster.accelerator.memory_capacity = Bytes(capacity_mib << 20);
  job.parallelism.dp = 32;
  job.training.sequence_length = 1024;
  job.training.micro_batch = 2;
  job.training.global_batch = 64;
  return job;
}

}  // namespace

TEST_CASE("a job that fits one device needs one") {
  const auto found = fewest_devices(small_job(80 << 10));
  REQUIRE(found);
  CHECK(found->job.cluster.devices() == 1);
  CHECK(found->job.training.global_batch == 64);
  CHECK(found->sizes == 1);
}

TEST_CASE("what is found fits and is legal, and the next smaller size does not fit") {
  // Weights, gradients, masters and moments take 18 bytes a parameter. 8 layers of 4·1024²·(1 + 1/2)/2 …: the
  // sum does not matter here, only that less memory needs more devices.
  std::int64_t before = 1;
  for (const std::int64_t capacity : {8 << 10, 4 << 10, 2 << 10, 1600}) {
    const auto found = fewest_devices(small_job(capacity));
    CAPTURE(capacity);
    REQUIRE(found);
    CHECK(find_illegalities(found->job).empty());
    CHECK(found->estimate.memory.fits);
    CHECK(found->estimate.memory.reserved + found->estimate.memory.context <= Bytes(capacity << 20));
    CHECK(found->job.cluster.devices() >= before);
    before = found->job.cluster.devices();
  }
  CHECK(before > 1);
}

TEST_CASE("a job whose context alone fills a device fits nowhere") {
  CHECK_FALSE(fewest_devices(small_job(100)));
}
