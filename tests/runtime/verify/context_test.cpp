// Context parallelism in its three styles, alone and combined with other features.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

constexpr CpStyle kStyles[] = {CpStyle::ring, CpStyle::all_gather, CpStyle::ulysses};

/// All parallelism degrees for this many devices with cp > 1.
std::vector<Degrees> cut_sequences(std::int64_t devices) {
  switch (devices) {
    case 2: return {{.cp = 2}};
    case 4:
      return {{.cp = 4},
              {.tp = 2, .cp = 2},
              {.tp = 2, .sequence_parallel = true, .cp = 2},
              {.pp = 2, .cp = 2},
              {.dp = 2, .zero = 1, .cp = 2}};
    case 8: return {{.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 1, .cp = 2}};
    default: return {{}};
  }
}

JobSpec cut_job(const Degrees& degrees, CpStyle style, bool gpt = false) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.parallelism.cp_style = style;
  if (degrees.devices() > 1) job.training.global_batch = 8;
  return job;
}

TEST_CASE("context parallelism in any style computes what one device computes") {
  for (const CpStyle style : kStyles) {
    for (const Degrees& degrees : cut_sequences(mpi_session().size())) {
      CAPTURE(static_cast<int>(style), degrees.name());
      check_equals_unsharded(cut_job(degrees, style));
    }
  }
}

TEST_CASE("context parallelism with learned positions, bidirectional attention and recomputation") {
  const CpStyle style = GENERATE(CpStyle::ring, CpStyle::ulysses);
  const Degrees degrees = cut_sequences(mpi_session().size()).back();
  JobSpec job = cut_job(degrees, style, true);
  SECTION("learned positions") {}
  SECTION("bidirectional") { job.model.causal = false; }
  SECTION("recomputation of attention") { job.training.recompute = Recompute::selective; }
  SECTION("recomputation of some operations") { job.training.recompute = Recompute::selective_ops; }
  SECTION("full recomputation") { job.training.recompute = Recompute::full; }
  CAPTURE(static_cast<int>(style), degrees.name());
  check_equals_unsharded(job);
}

TEST_CASE("context parallelism: the fast kernels agree, and everything is counted as planned") {
  for (const CpStyle style : kStyles) {
    for (const Degrees& degrees : cut_sequences(mpi_session().size())) {
      CAPTURE(static_cast<int>(style), degrees.name());
      JobSpec job = cut_job(degrees, style);
      for (const Precision precision : kFastPrecisions) {
        CAPTURE(word_of(precision));
        job.training.precision = precision;
        check_fast_kernels(job);
        check_counted_as_planned(job);
      }
    }
  }
}

}  // namespace
}  // namespace foreshard::test
