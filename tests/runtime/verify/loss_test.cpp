// The loss in parts, whose gradients come in forward, and the loss whose gradient overwrites the logits.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

std::vector<Degrees> shardings() {
  switch (mpi_session().size()) {
    case 1: return {{}};
    case 2: return {{.tp = 2, .sequence_parallel = true}, {.pp = 2}, {.cp = 2}};
    default:
      return {{.tp = 2, .pp = 2},
              {.tp = 2, .dp = 2, .zero = 2},
              {.dp = 4, .zero = 3},
              {.dp = 2, .zero = 1, .cp = 2}};
  }
}

void check_all(const JobSpec& job) {
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("a loss in parts equals the whole one") {
  for (const Degrees& degrees : shardings()) {
    CAPTURE(degrees.name());
    JobSpec job = sharded(tiny_job(false), degrees);
    job.training.global_batch = 4 * degrees.dp;
    job.training.loss.chunks = 4;
    check_all(job);
    check_fast_kernels(job);
    job.training.loss.fused = true;
    job.training.precision = Precision::bf16;
    check_all(job);
  }
}

TEST_CASE("a loss in place equals one with a gradient of its own") {
  for (const Degrees& degrees : shardings()) {
    CAPTURE(degrees.name());
    JobSpec job = sharded(tiny_job(false), degrees);
    job.training.global_batch = 4 * degrees.dp;
    job.training.loss.fused = true;
    check_all(job);
    check_fast_kernels(job);
  }
}

TEST_CASE("a loss in parts with a tied table, recomputation and bf16 gradients") {
  JobSpec job = sharded(tiny_job(true), shardings().front());
  job.training.global_batch = 4 * job.parallelism.dp;
  job.training.loss.chunks = 2;
  job.training.recompute = Recompute::full;
  job.training.precision = Precision::bf16;
  job.training.gradient_dtype = DType::bf16;
  job.model.tied_embeddings = true;
  check_all(job);
}

}  // namespace
}  // namespace foreshard::test
