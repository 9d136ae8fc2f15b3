// Laws of what is kept in memory, on random legal jobs: fewer bits never add bytes, a loss in place or in parts
// never keeps more, copies of shards never need less, and every such job is a legal program.
#include <algorithm>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr int kJobs = 60;

template <class Check>
void for_random_jobs(std::uint64_t seed, Check check) {
  JobDraw draw(seed);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = draw.next();
    INFO(words_for(job));
    check(job);
  }
}

bool is_legal(const JobSpec& job) { return find_illegalities(job).empty(); }

/// The estimate of a job whose program has been checked.
Estimate checked(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  return estimate(job, program);
}

/// Bytes that the largest stage keeps of one category.
Bytes most(const Estimate& found, Bytes StageMemory::*category) {
  Bytes bytes;
  for (const StageMemory& stage : found.memory.stages) bytes = std::max(bytes, stage.*category);
  return bytes;
}

}  // namespace

TEST_CASE("laws: fewer bits of states never add bytes") {
  for_random_jobs(21, [](JobSpec job) {
    if (job.training.precision != Precision::bf16) return;
    job.training.optimizer = OptimizerKind::adamw;
    Bytes before = most(checked(job), &StageMemory::optimizer);
    for (const StatesSpec states :
         {StatesSpec{MasterWeights::fp32, MomentType::bf16}, StatesSpec{MasterWeights::fp32, MomentType::fp8},
          StatesSpec{MasterWeights::none, MomentType::fp8}}) {
      job.training.states = states;
      const Bytes now = most(checked(job), &StageMemory::optimizer);
      CHECK(now <= before);
      before = now;
    }
  });
}

TEST_CASE("laws: every optimizer makes a legal program and the model's FLOPs stay") {
  for_random_jobs(22, [](JobSpec job) {
    if (job.training.precision != Precision::bf16) return;
    const FlopsTotal flops = estimate(job).step.model_flops;
    for (const auto& [optimizer, moments] : {std::pair{OptimizerKind::adamw_8bit, MomentType::int8},
                                             std::pair{OptimizerKind::adafactor, MomentType::factored},
                                             std::pair{OptimizerKind::lion, MomentType::bf16},
                                             std::pair{OptimizerKind::muon, MomentType::fp32}}) {
      job.training.optimizer = optimizer;
      job.training.states.moments = moments;
      CHECK(checked(job).step.model_flops == flops);
    }
  });
}

TEST_CASE("laws: a loss in place never needs more memory") {
  for_random_jobs(23, [](JobSpec job) {
    const Estimate usual = estimate(job);
    job.training.loss.fused = true;
    const Estimate fused = checked(job);
    CHECK(fused.memory.peak <= usual.memory.peak);
    CHECK(fused.step.model_flops == usual.step.model_flops);
  });
}

TEST_CASE("laws: a loss in parts has the same FLOPs") {
  for_random_jobs(24, [](JobSpec job) {
    const Estimate whole = estimate(job);
    job.training.loss.chunks = 2;
    if (!is_legal(job)) return;
    const Estimate parts = checked(job);
    CHECK(parts.step.model_flops == whole.step.model_flops);
    CHECK(parts.step.hardware_flops == whole.step.hardware_flops);
  });
}

TEST_CASE("laws: shards over fewer ranks are larger") {
  for_random_jobs(25, [](JobSpec job) {
    if (job.parallelism.zero == 0) return;
    const Estimate all = estimate(job);
    for (std::int64_t shard = job.parallelism.dp; shard >= 1; shard /= 2) {
      job.parallelism.dp_shard = shard;
      if (!is_legal(job)) break;
      const Estimate part = checked(job);
      CHECK(most(part, &StageMemory::optimizer) >= most(all, &StageMemory::optimizer));
      if (shard == job.parallelism.dp) CHECK(part.step.time.value() == all.step.time.value());
    }
  });
}

TEST_CASE("laws: weights that stay gathered need no less memory") {
  for_random_jobs(26, [](JobSpec job) {
    const Bytes before = estimate(job).memory.peak;
    job.training.reshard_after_forward = false;
    if (!is_legal(job)) return;
    // Small buffers that come and go with each gather may be missing at the peak: some kB of a GB.
    CHECK(checked(job).memory.peak.as_double() >= 0.9999 * before.as_double());
  });
}
