// Gradients (ZeRO-2) and weights (ZeRO-3) sharded over the data-parallel ranks, evenly and unevenly.
#include "runtime/execute/zero_shares.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

constexpr int kStages[] = {1, 2, 3};

std::vector<Degrees> replicated(std::int64_t devices) {
  switch (devices) {
    case 2: return {{.dp = 2}};
    case 3: return {{.dp = 3}};
    case 4:
      return {{.dp = 4},
              {.tp = 2, .dp = 2},
              {.tp = 2, .dp = 2, .sequence_parallel = true},
              {.pp = 2, .dp = 2},
              {.dp = 2, .cp = 2}};
    case 6: return {{.dp = 6}, {.tp = 2, .dp = 3, .sequence_parallel = true}, {.pp = 2, .dp = 3}};
    default: return {{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true}};
  }
}

JobSpec zero_job(Degrees degrees, int zero, bool gpt = false) {
  degrees.zero = zero;
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.training.global_batch = 4 * degrees.dp;
  return job;
}

TEST_CASE("sharded gradients and weights compute what one device computes") {
  for (const int zero : kStages) {
    for (const Degrees& degrees : replicated(mpi_session().size())) {
      for (const bool gpt : {false, true}) {
        CAPTURE(zero, degrees.name(), gpt);
        check_equals_unsharded(zero_job(degrees, zero, gpt));
      }
    }
  }
}

TEST_CASE("ZeRO with recomputation, master weights, sgd and other schedules") {
  const int zero = GENERATE(2, 3);
  JobSpec job = zero_job(replicated(mpi_session().size()).back(), zero);
  SECTION("full recomputation") { job.training.recompute = Recompute::full; }
  SECTION("recomputation of some operations") { job.training.recompute = Recompute::selective_ops; }
  SECTION("a program in bf16") { job.training.precision = Precision::bf16; }
  SECTION("sgd") { job.training.optimizer = OptimizerKind::sgd; }
  SECTION("more micro-batches, gpipe or interleaved") {
    job.training.global_batch *= 2;
    job.training.schedule = ScheduleKind::gpipe;
    if (job.parallelism.pp > 1) {
      job.training.schedule = ScheduleKind::interleaved;
      job.parallelism.vp = 2;
    }
  }
  CAPTURE(zero);
  check_equals_unsharded(job);
}

TEST_CASE("ZeRO with tied embeddings") {
  for (const int zero : kStages) {
    CAPTURE(zero);
    JobSpec job = zero_job({.dp = mpi_session().size()}, zero, true);
    job.model.tied_embeddings = true;
    check_equals_unsharded(job);
  }
}

TEST_CASE("experts are sharded over their replicas") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks % 2 != 0) return;
  for (const int zero : kStages) {
    CAPTURE(zero);
    JobSpec job = zero_job({.dp = ranks, .ep = 2}, zero);
    job.model.experts =
        ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16, .dense_layers = 1};
    job.model.experts->imbalance = 2.0;
    check_equals_unsharded(job);
    check_counted_as_planned(job);
  }
}

TEST_CASE("ZeRO: the fast kernels agree, and everything is counted as planned") {
  for (const int zero : kStages) {
    for (const Degrees& degrees : replicated(mpi_session().size())) {
      CAPTURE(zero, degrees.name());
      const JobSpec job = zero_job(degrees, zero);
      check_fast_kernels(job);
      check_counted_as_planned(job);
    }
  }
}

TEST_CASE("a rank has its share of the weights, gradients and moments") {
  const std::int64_t ranks = mpi_session().size();
  const JobSpec job = zero_job({.dp = ranks}, 3);
  const StepProgram program = build_step_program(job);
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  const RankPlan plan(program, device, communicator);
  double whole = 0.0;
  double held = 0.0;
  for (const HeldWeight& weight : plan.weights()) {
    whole += static_cast<double>(whole_elements(program.tensor(weight.tensor)));
    held += static_cast<double>(weight.weight.elements);
    CHECK(weight.weight.elements == weight.gradient.elements);
  }
  CHECK(communicator.sum_over_world(held) == whole);
}

}  // namespace
}  // namespace foreshard::test
