// A sharded run computes what the unsharded run computes: with plain fp64 kernels, relative errors are below
// 1e-11. Tested for every combination of degrees that the number of ranks allows.
#include <memory>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/comm/staged_communicator.hpp"
#include "runtime/device/reference/reference_device.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/execute/runtime_limits.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

constexpr double kBound = 1e-11;

void check(const JobSpec& job, Device& device, Communicator& communicator, double bound) {
  REQUIRE(what_the_runtime_lacks(job).empty());
  const ShardingErrors errors = compare_with_unsharded(job, device, communicator, 3);
  CAPTURE(errors.worst_gradient);
  CHECK(errors.loss <= bound);
  CHECK(errors.outputs <= bound);
  CHECK(errors.gradients <= bound);
  CHECK(errors.weights <= bound);
  CHECK(errors.gradients_compared > 0);
}

void check(const JobSpec& job, double bound) {
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  check(job, device, communicator, bound);
}

TEST_CASE("communication through the host's memory gives the same results") {
  for (const Degrees& degrees : degrees_of(mpi_session().size())) {
    CAPTURE(degrees.name());
    const JobSpec job = sharded(tiny_job(false), degrees);
    ReferenceDevice device;
    StagedCommunicator communicator(
        std::make_unique<MpiCommunicator>(mpi_session(), DeviceMesh(job.parallelism)), device);
    check(job, device, communicator, kBound);
  }
}

TEST_CASE("every sharding of a Llama-shaped and a GPT-shaped model equals the unsharded run") {
  for (const bool gpt : {false, true}) {
    for (const Degrees& degrees : degrees_of(mpi_session().size())) {
      CAPTURE(gpt, degrees.name());
      check(sharded(tiny_job(gpt), degrees), kBound);
    }
  }
}

TEST_CASE("recomputation of every kind gives the same results") {
  for (const Recompute recompute : {Recompute::selective, Recompute::selective_ops, Recompute::full}) {
    for (const Degrees& degrees : degrees_of(mpi_session().size())) {
      if (degrees.zero > 0) continue;
      JobSpec job = sharded(tiny_job(false), degrees);
      job.training.recompute = recompute;
      CAPTURE(static_cast<int>(recompute), degrees.name());
      check(job, kBound);
    }
  }
}

TEST_CASE("a bf16 program with master weights and fp32 gradients equals the unsharded run") {
  for (const Degrees& degrees : degrees_of(mpi_session().size())) {
    JobSpec job = sharded(tiny_job(false), degrees);
    job.training.precision = Precision::bf16;
    CAPTURE(degrees.name());
    check(job, kBound);
  }
}

TEST_CASE("gpipe, every feed-forward network, bidirectional attention, multi-query heads, adam and sgd") {
  const std::int64_t ranks = mpi_session().size();
  const Degrees degrees = ranks == 4 ? Degrees{2, 2, 1} : Degrees{1, ranks, 1};
  JobSpec job = sharded(tiny_job(false), degrees);
  SECTION("gpipe") { job.training.schedule = ScheduleKind::gpipe; }
  SECTION("geglu") { job.model.ffn = FfnKind::geglu; }
  SECTION("glu") { job.model.ffn = FfnKind::glu; }
  SECTION("relu") { job.model.ffn = FfnKind::relu; }
  SECTION("sqrelu") { job.model.ffn = FfnKind::sqrelu; }
  SECTION("bidirectional") { job.model.causal = false; }
  SECTION("two kv heads") { job.model.kv_heads = 2; }
  SECTION("four norms") { job.model.norms_per_layer = 4; }
  SECTION("attention and FFN in parallel") { job.model.norms_per_layer = 1; }
  SECTION("adam") { job.training.optimizer = OptimizerKind::adam; }
  SECTION("sgd") { job.training.optimizer = OptimizerKind::sgd; }
  SECTION("stages by hand") {
    if (degrees.pp == 2) {
      job.parallelism.stage_policy = StagePolicy::listed;
      job.parallelism.stage_layers = {1, 3};
    }
  }
  check(job, kBound);
}

TEST_CASE("tied embeddings get gradients from the embedding and from the head") {
  JobSpec job = sharded(tiny_job(true), {.tp = mpi_session().size()});
  job.model.tied_embeddings = true;
  check(job, kBound);
}

TEST_CASE("the loss falls over 20 steps on a fixed batch") {
  const std::int64_t ranks = mpi_session().size();
  const JobSpec job = sharded(tiny_job(false), ranks == 4 ? Degrees{2, 1, 2} : Degrees{1, 1, ranks});
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  const StepProgram program = build_step_program(job);
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  plan.optimizer().learning_rate = 1e-2;
  const bool counts = plan.coordinates().tp == 0;
  std::vector<double> losses;
  for (int step = 0; step < 20; ++step)
    losses.push_back(communicator.sum_over_world(counts ? executor.run_step() : (executor.run_step(), 0.0)));
  // Untrained, every token is about as likely as any other of the 30: log 30 = 3.4.
  CHECK(losses.front() == Approx(std::log(30.0)).margin(1.0));
  CHECK(losses.back() < 0.7 * losses.front());
}

}  // namespace
}  // namespace foreshard::test
