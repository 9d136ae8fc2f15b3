#include "planner/search/remedy.hpp"

#include <array>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/emit/emit.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

JobSpec eight_replicas() {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(1);
  job.parallelism.dp = 8;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 4;
  job.training.global_batch = 64;
  return job;
}

Bytes needed(const JobSpec& job) {
  const MemoryReport memory = memory_report(job, build_step_program(job));
  return memory.reserved + memory.context;
}

JobSpec with_capacity(JobSpec job, Bytes capacity) {
  job.cluster.accelerator.memory_capacity = capacity;
  return job;
}

}  // namespace

TEST_CASE("the cheapest change that is enough is taken, and its need is told") {
  JobSpec sharded = eight_replicas();
  sharded.parallelism.zero = 1;
  const Bytes need = needed(sharded);
  REQUIRE(need < needed(eight_replicas()));
  const auto remedy = find_remedy(with_capacity(eight_replicas(), need), {});
  REQUIRE(remedy);
  const std::vector<Choice> zero_1 = {{Axis::zero, std::int64_t{1}}};
  CHECK(remedy->variant.choices == zero_1);
  CHECK(remedy->needed == need);

  // A byte less, and more has to change; whatever it is, it fits.
  const JobSpec tighter = with_capacity(eight_replicas(), need - Bytes(1));
  const auto further = find_remedy(tighter, {});
  REQUIRE(further);
  CHECK(further->variant.choices != zero_1);
  CHECK(needed(further->variant.job) == further->needed);
  CHECK(further->needed < need);
}

TEST_CASE("what is fixed does not change") {
  JobSpec sharded = eight_replicas();
  sharded.parallelism.zero = 1;
  const JobSpec job = with_capacity(eight_replicas(), needed(sharded));
  const std::array zero_alone{Axis::zero};
  const auto other = find_remedy(job, zero_alone);
  REQUIRE(other);
  CHECK(other->variant.job.parallelism.zero == 0);
  const std::array everything{Axis::zero, Axis::recompute, Axis::micro_batch};
  CHECK_FALSE(find_remedy(job, everything));
}

TEST_CASE("where the weights of all devices together are too large nothing helps") {
  CHECK_FALSE(find_remedy(with_capacity(eight_replicas(), Bytes(1 << 20)), {}));
}
