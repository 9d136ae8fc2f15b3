// Tied embeddings in a pipeline: the first and the last stage both have the table, and sum its gradient.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Pipelines of two and of more stages; inner stages do not have the table.
std::vector<Degrees> pipelines(std::int64_t devices) {
  switch (devices) {
    case 2: return {{.pp = 2}};
    case 4:
      return {{.pp = 4},
              {.tp = 2, .pp = 2},
              {.tp = 2, .pp = 2, .sequence_parallel = true},
              {.pp = 2, .dp = 2},
              {.pp = 2, .dp = 2, .zero = 1},
              {.pp = 2, .dp = 2, .zero = 2},
              {.pp = 2, .dp = 2, .zero = 3},
              {.pp = 2, .cp = 2}};
    case 6: return {{.pp = 2, .dp = 3, .zero = 1}, {.pp = 2, .dp = 3, .zero = 3}, {.pp = 3, .dp = 2}};
    default: return {{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true, .zero = 3}, {.tp = 2, .pp = 4}};
  }
}

JobSpec tied_job(const Degrees& degrees, bool gpt) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.model.tied_embeddings = true;
  job.training.global_batch = 8 * degrees.dp;
  return job;
}

TEST_CASE("tied embeddings on two stages compute what one device computes") {
  for (const bool gpt : {false, true}) {
    for (const Degrees& degrees : pipelines(mpi_session().size())) {
      CAPTURE(gpt, degrees.name());
      check_equals_unsharded(tied_job(degrees, gpt));
    }
  }
}

TEST_CASE("tied embeddings with every schedule") {
  JobSpec job = tied_job(pipelines(mpi_session().size()).front(), false);
  job.training.global_batch = 2 * job.parallelism.dp * job.parallelism.pp * 2;
  SECTION("gpipe") { job.training.schedule = ScheduleKind::gpipe; }
  SECTION("interleaved") {
    job.training.schedule = ScheduleKind::interleaved;
    job.model.layers = 8;
    job.parallelism.vp = 2;
  }
  SECTION("zero-bubble") {
    if (job.parallelism.zero < 2) job.training.schedule = ScheduleKind::zero_bubble;
  }
  SECTION("zb-v: the first stage has both ends of the model, and one table") {
    if (job.parallelism.zero < 2) job.training.schedule = ScheduleKind::zb_v;
    job.parallelism.vp = 2;
    job.model.layers = 8;
  }
  SECTION("full recomputation") { job.training.recompute = Recompute::full; }
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("tied embeddings: the fast kernels agree, and everything is counted as planned") {
  for (const Degrees& degrees : pipelines(mpi_session().size())) {
    CAPTURE(degrees.name());
    const JobSpec job = tied_job(degrees, true);
    check_fast_kernels(job);
    check_counted_as_planned(job);
  }
}

TEST_CASE("both stages have the same table after a step") {
  const std::int64_t ranks = mpi_session().size();
  const JobSpec job = tied_job({.pp = 2, .dp = ranks / 2}, true);
  const StepProgram program = build_step_program(job);
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  executor.run_step();
  double sum = 0.0;  // of the table's squares, +1 on the first stage and −1 on the last
  double squares = 0.0;
  for (const HeldWeight& held : plan.weights()) {
    if (program.tensor(held.tensor).label != "embedding.weight") continue;
    std::vector<double> values(static_cast<std::size_t>(held.weight.elements));
    device.read(held.weight, values.data());
    for (const double value : values) squares += value * value;
    sum = plan.stage() == StageId(0) ? squares : -squares;
  }
  CHECK(communicator.max_over_world(squares) > 0.0);
  CHECK(communicator.sum_over_world(sum) == Approx(0.0).margin(1e-11));
}

}  // namespace
}  // namespace foreshard::test
