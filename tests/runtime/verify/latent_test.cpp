// Latent attention: low-rank queries and keys, and one rotated key that all heads share.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

JobSpec latent_job(const Degrees& degrees) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.model.kv_heads = job.model.heads;
  job.model.mla =
      MlaSpec{.q_rank = 12, .kv_rank = 8, .nope_head_dim = 6, .rope_head_dim = 4, .v_head_dim = 5};
  if (degrees.devices() > 1) job.training.global_batch = 8;
  return job;
}

std::vector<Degrees> latent_degrees(std::int64_t devices) {
  switch (devices) {
    case 2:
      return {{.tp = 2}, {.tp = 2, .sequence_parallel = true}, {.pp = 2}, {.dp = 2, .zero = 1}, {.cp = 2}};
    case 4:
      return {{.tp = 4},
              {.tp = 2, .pp = 2, .sequence_parallel = true},
              {.tp = 2, .cp = 2},
              {.tp = 2, .sequence_parallel = true, .cp = 2}};
    default: return {{}};
  }
}

TEST_CASE("sharded latent attention computes what one device computes") {
  for (const Degrees& degrees : latent_degrees(mpi_session().size())) {
    CAPTURE(degrees.name());
    check_equals_unsharded(latent_job(degrees));
  }
}

TEST_CASE("latent attention with full-rank queries, without rotated columns, and with recomputation") {
  const Degrees degrees = latent_degrees(mpi_session().size()).back();
  JobSpec job = latent_job(degrees);
  SECTION("queries straight from the hidden state") { job.model.mla->q_rank = 0; }
  SECTION("without rotary embedding") {
    job.model.mla->rope_head_dim = 0;
    job.model.positions = Positions::none;
  }
  SECTION("full recomputation") { job.training.recompute = Recompute::full; }
  check_equals_unsharded(job);
}

TEST_CASE("latent attention: the fast kernels agree, and everything is counted as planned") {
  for (const Degrees& degrees : latent_degrees(mpi_session().size())) {
    CAPTURE(degrees.name());
    JobSpec job = latent_job(degrees);
    for (const Precision precision : kFastPrecisions) {
      CAPTURE(word_of(precision));
      job.training.precision = precision;
      check_fast_kernels(job);
      check_counted_as_planned(job);
    }
  }
}

}  // namespace
}  // namespace foreshard::test
