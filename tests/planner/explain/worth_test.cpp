#include "planner/explain/worth.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "planner/spec/job/validate_job.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// 16 devices: tp 2 · pp 2 · dp 4, with full recomputation, at 3.60 dollars per device-hour.
JobSpec two_nodes() {
  JobSpec job;
  job.model = llama_shaped(8, 1024, 4096, 16, 8, 32'000);
  job.cluster = round_cluster(2);
  job.cluster.price = DollarsPerSecond(0.001);
  job.parallelism.tp = 2;
  job.parallelism.pp = 2;
  job.parallelism.dp = 4;
  job.training.sequence_length = 2048;
  job.training.micro_batch = 4;
  job.training.global_batch = 64;
  job.training.recompute = Recompute::full;
  return job;
}

const LeverWorth& worth_of(const HardwareWorth& worth, Lever lever) {
  return worth.levers[static_cast<std::size_t>(lever)];
}

Bytes needed(const JobSpec& job) {
  const MemoryReport memory = estimate(job).memory;
  return memory.reserved + memory.context;
}

}  // namespace

TEST_CASE("near plans are legal, different, and fit") {
  const JobSpec job = two_nodes();
  std::int64_t tried = 0;
  const Bytes capacity = job.cluster.accelerator.memory_capacity;
  const std::vector<NearPlan> plans = near_plans(job, capacity, tried);
  REQUIRE(plans.size() > 10);
  CHECK(tried >= static_cast<std::int64_t>(plans.size()));
  std::set<std::string> seen;
  for (const NearPlan& plan : plans) {
    CHECK(find_illegalities(plan.job).empty());
    CHECK(plan.job.training.global_batch == 64);
    CHECK(plan.job.cluster.devices() == 16);
    CHECK(plan.fits(capacity));
    CHECK_FALSE(plan.settings.empty());
    std::string name;
    for (const Setting& setting : plan.settings) name += setting.key + "=" + setting.value + " ";
    CHECK(seen.insert(name).second);
  }
  const std::optional<NearPlan> best = fastest(plans, capacity);
  REQUIRE(best);
  CHECK(
      std::all_of(plans.begin(), plans.end(), [&](const NearPlan& plan) { return best->step <= plan.step; }));
  CHECK_FALSE(fastest(plans, Bytes(1)));
}

TEST_CASE("dollars follow from the step, the price and the devices") {
  JobSpec job = two_nodes();
  job.cluster.idle_per_node = 2;  // 20 devices are paid for
  const HardwareWorth worth = hardware_worth(job, estimate(job));
  const double tokens = 64.0 * 2048.0;
  REQUIRE(worth.dollars_per_token);
  CHECK(*worth.dollars_per_token == Approx(0.001 * 20.0 * worth.step.value() / tokens));
  // Products of this size are limited by memory on these devices.
  const LeverWorth& moved = worth_of(worth, Lever::memory_bandwidth);
  CHECK(moved.change == moved.step - worth.step);
  CHECK(moved.change < Seconds());
  CHECK(*moved.dollars_per_token == Approx(0.001 * 20.0 * moved.change.value() / tokens));
  // At a price dearer by this share, a token costs what it cost before.
  CHECK((1.0 + moved.worth_of_price) * moved.step.value() == Approx(worth.step.value()));
}

TEST_CASE("memory is worth the plan that it allows, against the best plan without it") {
  JobSpec job = two_nodes();
  // Memory for no near plan but those up to 5% below what no recomputation needs.
  JobSpec kept = job;
  kept.training.recompute = Recompute::none;
  job.cluster.accelerator.memory_capacity = Bytes(needed(kept).value() * 100 / 105);
  const HardwareWorth worth = hardware_worth(job, estimate(job));
  const LeverWorth& memory = worth_of(worth, Lever::memory_size);
  CHECK(memory.step == worth.step);
  const Seconds before = worth.better ? worth.better->step : worth.step;
  if (memory.plan) {
    const double capacity = job.cluster.accelerator.memory_capacity.as_double();
    CHECK(memory.plan->needed.as_double() > capacity);
    CHECK(memory.plan->needed.as_double() <= 1.1 * capacity);
    CHECK(memory.change == memory.plan->step - before);
    CHECK(memory.change < Seconds());
  } else {
    CHECK(memory.change == Seconds());
  }
}

TEST_CASE("a job that fits only with more memory") {
  JobSpec job = two_nodes();
  job.cluster.accelerator.memory_capacity = Bytes(needed(job).value() * 100 / 105);
  const HardwareWorth worth = hardware_worth(job, estimate(job));
  CHECK(worth_of(worth, Lever::memory_size).makes_it_fit);
  CHECK_FALSE(worth_of(worth, Lever::peak_rate).makes_it_fit);
}

TEST_CASE("without a price nothing has a cost") {
  JobSpec job = two_nodes();
  job.cluster.price.reset();
  const HardwareWorth worth = hardware_worth(job, estimate(job));
  CHECK_FALSE(worth.dollars_per_token);
  for (const LeverWorth& lever : worth.levers) CHECK_FALSE(lever.dollars_per_token);
}
