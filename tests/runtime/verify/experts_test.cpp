// Mixtures of experts: routing, exchange and products of rows whose number is known only at run time.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// 8 experts, 2 per token, and one shared expert. Layer 0 is a dense layer.
JobSpec experts_job(const Degrees& degrees) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.model.experts =
      ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16, .dense_layers = 1};
  // Memory for the worst case: all tokens of the group are sent to one rank.
  job.model.experts->imbalance = static_cast<double>(degrees.ep);
  if (degrees.devices() > 1) job.training.global_batch = 8;
  return job;
}

/// All parallelism degrees for this many devices. Tensor parallelism is combined with sequence parallelism.
std::vector<Degrees> experts_degrees(std::int64_t devices) {
  switch (devices) {
    case 2:
      return {{.dp = 2},
              {.dp = 2, .ep = 2},
              {.dp = 2, .zero = 1, .ep = 2},
              {.tp = 2, .sequence_parallel = true},
              {.tp = 2, .sequence_parallel = true, .ep = 2, .etp = 1},
              {.pp = 2},
              {.cp = 2, .ep = 2}};
    case 4:
      return {{.tp = 2, .dp = 2, .sequence_parallel = true, .ep = 4, .etp = 1},
              {.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 1, .ep = 2, .etp = 1},
              {.tp = 2, .dp = 2, .sequence_parallel = true, .etp = 4},
              {.dp = 4, .ep = 2},
              {.dp = 4, .zero = 1, .ep = 2},
              {.dp = 4, .ep = 4},
              {.tp = 2, .dp = 2, .sequence_parallel = true, .ep = 2},
              {.pp = 2, .dp = 2, .ep = 2},
              {.dp = 2, .cp = 2, .ep = 4}};
    case 8:
      return {{.tp = 2, .dp = 4, .sequence_parallel = true, .zero = 1, .ep = 4, .etp = 1},
              {.tp = 2, .dp = 4, .sequence_parallel = true, .zero = 1, .ep = 2}};
    default: return {{}};
  }
}

TEST_CASE("experts on several ranks compute what one device computes") {
  for (const Degrees& degrees : experts_degrees(mpi_session().size())) {
    CAPTURE(degrees.name());
    check_equals_unsharded(experts_job(degrees));
  }
}

TEST_CASE("experts with biases, of which one of the ranks that share an expert adds what all would") {
  for (const Degrees& degrees : experts_degrees(mpi_session().size())) {
    for (const FfnKind ffn : {FfnKind::swiglu, FfnKind::gelu}) {
      CAPTURE(degrees.name(), static_cast<int>(ffn));
      JobSpec job = experts_job(degrees);
      job.model.biases = Biases::all;
      job.model.ffn = ffn;
      check_equals_unsharded(job);
      check_counted_as_planned(job);
      for (const Precision precision : kFastPrecisions) {
        job.training.precision = precision;
        check_fast_kernels(job);
      }
    }
  }
}

TEST_CASE("one expert per token, ungated experts, no shared one, and recomputation") {
  const Degrees degrees = experts_degrees(mpi_session().size()).back();
  JobSpec job = experts_job(degrees);
  SECTION("one expert per token") { job.model.experts->per_token = 1; }
  SECTION("ungated") { job.model.ffn = FfnKind::gelu; }
  SECTION("no shared expert, no dense layer") {
    job.model.experts->shared_hidden = 0;
    job.model.experts->dense_layers = 0;
  }
  SECTION("latent attention") {
    job.model.kv_heads = job.model.heads;
    job.model.mla =
        MlaSpec{.q_rank = 12, .kv_rank = 8, .nope_head_dim = 6, .rope_head_dim = 4, .v_head_dim = 5};
  }
  SECTION("recomputation of some operations") { job.training.recompute = Recompute::selective_ops; }
  SECTION("full recomputation") { job.training.recompute = Recompute::full; }
  check_equals_unsharded(job);
}

TEST_CASE("experts: the fast kernels agree, and everything is counted as routed") {
  for (const Degrees& degrees : experts_degrees(mpi_session().size())) {
    for (const auto& [precision, recompute] : {std::pair{Precision::fp32, Recompute::none},
                                               {Precision::fp32, Recompute::full},
                                               {Precision::bf16, Recompute::none},
                                               {Precision::bf16, Recompute::full}}) {
      CAPTURE(degrees.name(), word_of(precision), static_cast<int>(recompute));
      JobSpec job = experts_job(degrees);
      job.training.recompute = recompute;
      job.training.precision = precision;
      check_fast_kernels(job);
      const CountCheck check = check_counted_as_planned(job);
      // A micro-batch of 16 tokens has 32 choices over 8 experts: 4 each on average. An expert gets the rows
      // of ep·etp ranks, each of which has the share 1 / (tp·cp) of its micro-batch.
      REQUIRE(check.routing.has_value());
      CHECK(check.routing->mean_rows ==
            4.0 * static_cast<double>(degrees.ep * degrees.etp.value_or(degrees.tp)) /
                static_cast<double>(degrees.tp * degrees.cp));
      CHECK(static_cast<double>(check.routing->fewest_rows) <= check.routing->mean_rows);
      CHECK(static_cast<double>(check.routing->most_rows) >= check.routing->mean_rows);
      CHECK(check.routing->imbalance >= 1.0);
      CHECK(check.routing->imbalance <= static_cast<double>(degrees.ep));
      // The program's sizes are those of the worst case; fewer rows came.
      CHECK((check.routing->planned_flops > check.flops.counted) == (degrees.ep > 1));
    }
  }
}

}  // namespace
}  // namespace foreshard::test
