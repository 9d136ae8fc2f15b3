#include "planner/search/fewest_devices.hpp"

#include <array>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
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

TEST_CASE("numbers of nodes over which the batch does not split are passed over") {
  // Nodes of one device and no pipeline: twelve sequences split over 1, 2, 3, 4, 6 and 12 devices, not over 8.
  JobSpec job = small_job(80 << 10);
  job.cluster.nodes = 12;
  job.cluster.devices_per_node = 1;
  job.parallelism.dp = 12;
  job.parallelism.zero = 3;
  job.training.global_batch = 12;
  job.training.micro_batch = 1;
  job.training.recompute = Recompute::full;
  const MemoryReport twelve = memory_report(job, build_step_program(job));
  job.cluster.accelerator.memory_capacity = twelve.reserved + twelve.context;
  const auto found = fewest_devices(job, std::array{Axis::tp, Axis::pp, Axis::cp});
  REQUIRE(found);
  CHECK(found->job.cluster.nodes == 12);
}

TEST_CASE("experts are spread where nothing else makes them fit") {
  JobSpec job = small_job(80 << 10);
  job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 4096};
  job.cluster.nodes = 1;
  job.parallelism.dp = job.parallelism.ep = 8;
  job.training.recompute = Recompute::full;
  job.training.micro_batch = 1;
  const MemoryReport spread = memory_report(job, build_step_program(job));
  job.cluster.accelerator.memory_capacity = spread.reserved + spread.context;
  job.parallelism.ep = 1;
  const auto found = fewest_devices(job, std::array{Axis::tp, Axis::pp, Axis::zero, Axis::cp});
  REQUIRE(found);
  CHECK(found->job.cluster.devices() == 8);
  CHECK(found->job.parallelism.ep == 8);
}

TEST_CASE("a sequence that fits nowhere is cut over devices") {
  // Logits of 262,144 tokens over 32,000 columns are 16 GB in bf16 alone, of an eighth 2 GB.
  JobSpec job = small_job(8 << 10);
  job.training.sequence_length = 262'144;
  job.training.global_batch = 8;
  job.training.micro_batch = 1;
  job.parallelism.dp = 8;
  job.cluster.nodes = 1;
  CHECK_FALSE(fewest_devices(job, std::array{Axis::cp, Axis::tp}));
  const auto found = fewest_devices(job, std::array{Axis::tp});
  REQUIRE(found);
  CHECK(found->job.parallelism.cp > 1);
  CHECK(find_illegalities(found->job).empty());
  CHECK(found->estimate.memory.fits);
}

TEST_CASE("the job's own degrees need not suit its devices") {
  JobSpec job = small_job(80 << 10);
  job.parallelism.dp = 5;
  REQUIRE_FALSE(find_illegalities(job).empty());
  const auto found = fewest_devices(job);
  REQUIRE(found);
  CHECK(find_illegalities(found->job).empty());
}
