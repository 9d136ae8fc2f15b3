// Optimizers and what they keep between steps: Lion, 16- and 8-bit moments, weights without masters, Muon.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Shardings of a state: over dp with ZeRO, and of its weights over tp and pp.
std::vector<Degrees> shardings() {
  switch (mpi_session().size()) {
    case 1: return {{}};
    case 2: return {{.tp = 2}, {.pp = 2}, {.dp = 2, .zero = 1}, {.dp = 2, .zero = 3}};
    default: return {{.tp = 2, .dp = 2, .zero = 2}, {.pp = 2, .dp = 2, .zero = 1}};
  }
}

JobSpec state_job(const Degrees& degrees) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.training.global_batch = 4 * degrees.dp;
  job.training.precision = Precision::bf16;
  return job;
}

/// Three steps in fp64, and the counts and the memory of a step in the dtypes of the job.
void check_exact(const JobSpec& job) {
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("16-bit states: moments in bf16, weights without masters") {
  for (const Degrees& degrees : shardings()) {
    for (const MasterWeights master :
         {MasterWeights::fp32, MasterWeights::none, MasterWeights::bf16_stochastic}) {
      CAPTURE(degrees.name(), static_cast<int>(master));
      JobSpec job = state_job(degrees);
      job.training.states = {.master = master, .moments = MomentType::bf16};
      job.training.gradient_dtype = DType::bf16;
      check_exact(job);
    }
  }
}

TEST_CASE("masters as the bits that bf16 weights lack of them") {
  for (const Degrees& degrees : shardings()) {
    CAPTURE(degrees.name());
    JobSpec job = state_job(degrees);
    job.training.states = {.master = MasterWeights::fp32_remainder, .moments = MomentType::bf16};
    check_exact(job);
    job.training.optimizer = OptimizerKind::muon;
    check_counted_as_planned(job);
  }
}

TEST_CASE("Lion keeps one moment, sgd none") {
  for (const Degrees& degrees : shardings()) {
    CAPTURE(degrees.name());
    JobSpec job = state_job(degrees);
    job.training.states = {.master = MasterWeights::none, .moments = MomentType::bf16};
    job.training.optimizer = OptimizerKind::lion;
    check_exact(job);
    job.training.optimizer = OptimizerKind::sgd;
    check_exact(job);
  }
}

/// The largest difference of a weight from the unsharded one after three steps.
double weights_error(const JobSpec& job) {
  REQUIRE(what_the_runtime_lacks(job).empty());
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  return compare_with_unsharded(job, device, communicator, 3).weights;
}

JobSpec job_of_8bits(const Degrees& degrees) {
  JobSpec job = state_job(degrees);
  job.training.optimizer = OptimizerKind::adamw_8bit;
  job.training.states = {.master = MasterWeights::none, .moments = MomentType::int8};
  return job;
}

TEST_CASE("8-bit moments: shardings that keep the blocks of 256 elements equal the unsharded run") {
  const std::int64_t ranks = mpi_session().size();
  for (const Degrees& degrees : {Degrees{.dp = ranks}, Degrees{.pp = ranks}}) {
    CAPTURE(degrees.name());
    check_exact(job_of_8bits(degrees));
  }
}

TEST_CASE("8-bit moments: other blocks round otherwise") {
  if (mpi_session().size() == 1) return;
  for (const Degrees& degrees : shardings()) {
    if (degrees.zero == 0 && degrees.tp == 1) continue;
    CAPTURE(degrees.name());
    const JobSpec job = job_of_8bits(degrees);
    check_counted_as_planned(job);
    // Three steps of 1e-3 move weights of 1/√32 by up to 1.7e-2 of their norm. What other blocks round differently
    // is a part of that.
    CHECK(weights_error(job) < 6e-3);
  }
}

TEST_CASE("the loss falls with 8-bit moments and random rounding as it does with fp32 states") {
  const std::int64_t ranks = mpi_session().size();
  const auto last_loss = [&](const JobSpec& job) {
    CpuDevice device(1);
    MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
    const StepProgram program = build_step_program(job);
    RankPlan plan(program, device, communicator);
    Executor executor(plan, device, communicator);
    executor.initialize();
    plan.optimizer().learning_rate = 1e-2;
    double loss = 0.0;
    for (int step = 0; step < 20; ++step) loss = communicator.sum_over_world(executor.run_step());
    return loss;
  };
  const Degrees degrees{.dp = ranks, .zero = ranks > 1 ? 1 : 0};
  // It begins at about log 30 = 3.4.
  const double fp32 = last_loss(state_job(degrees));
  CHECK(fp32 < 1.0);
  CHECK(last_loss(job_of_8bits(degrees)) == Approx(fp32).margin(0.1));
  JobSpec random = state_job(degrees);
  random.training.states = {.master = MasterWeights::bf16_stochastic, .moments = MomentType::bf16};
  CHECK(last_loss(random) == Approx(fp32).margin(0.1));
  // Remainders keep the very masters; a weight that lies halfway between two bf16 numbers is rounded otherwise, and the
  // runs drift apart from there.
  JobSpec remainders = state_job(degrees);
  remainders.training.states.master = MasterWeights::fp32_remainder;
  CHECK(last_loss(remainders) == Approx(fp32).margin(0.02));
}

}  // namespace
}  // namespace foreshard::test
