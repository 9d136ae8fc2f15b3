// Partial recomputation: lists of modules, and recomputation of some layers.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

using Modules = std::vector<RecomputeModule>;

JobSpec recomputing(JobSpec job, Modules modules) {
  job.training.recompute = Recompute::modules;
  job.training.recompute_modules = std::move(modules);
  return job;
}

void check_all(const JobSpec& job) {
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

Degrees degrees() {
  switch (mpi_session().size()) {
    case 1: return {};
    case 2: return {.tp = 2, .sequence_parallel = true};
    default: return {.tp = 2, .pp = 2, .sequence_parallel = true};
  }
}

TEST_CASE("every module of a dense layer") {
  for (const Modules& modules :
       {Modules{RecomputeModule::core_attn}, Modules{RecomputeModule::layernorm},
        Modules{RecomputeModule::mlp},
        Modules{RecomputeModule::core_attn, RecomputeModule::layernorm, RecomputeModule::mlp}}) {
    CAPTURE(static_cast<int>(modules.front()), modules.size());
    for (const bool gpt : {false, true}) check_all(recomputing(sharded(tiny_job(gpt), degrees()), modules));
  }
}

TEST_CASE("latent attention's up projections") {
  JobSpec job = sharded(tiny_job(false), degrees());
  job.model.mla =
      MlaSpec{.q_rank = 16, .kv_rank = 12, .nope_head_dim = 8, .rope_head_dim = 4, .v_head_dim = 8};
  check_all(recomputing(job, {RecomputeModule::mla_up_proj}));
  check_all(recomputing(job, {RecomputeModule::mla_up_proj, RecomputeModule::core_attn}));
}

TEST_CASE("every module of a layer with experts") {
  const std::int64_t ranks = mpi_session().size();
  JobSpec job = sharded(tiny_job(false), {.dp = ranks, .ep = ranks});
  job.model.experts =
      ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16, .dense_layers = 1};
  job.model.experts->imbalance = static_cast<double>(ranks);
  for (const Modules& modules :
       {Modules{RecomputeModule::moe}, Modules{RecomputeModule::moe_act},
        Modules{RecomputeModule::shared_experts},
        Modules{RecomputeModule::layernorm, RecomputeModule::moe_act, RecomputeModule::shared_experts}}) {
    CAPTURE(static_cast<int>(modules.front()), modules.size());
    check_all(recomputing(job, modules));
  }
}

TEST_CASE("some of the layers are recomputed") {
  const bool has_stages = mpi_session().size() > 1;
  for (const RecomputeLayers& layers :
       {RecomputeLayers{FirstLayers{1}}, RecomputeLayers{ShareOfLayers{0.5}},
        RecomputeLayers{EveryNthLayer{2}},
        RecomputeLayers{
            ListedLayers{has_stages ? std::vector<std::int64_t>{2, 1} : std::vector<std::int64_t>{3}}}}) {
    CAPTURE(layers.index());
    JobSpec job =
        sharded(tiny_job(false), has_stages ? Degrees{.pp = 2, .dp = mpi_session().size() / 2} : Degrees{});
    job.training.recompute_layers = layers;
    job.training.recompute = Recompute::full;
    check_all(job);
    check_all(recomputing(job, {RecomputeModule::mlp, RecomputeModule::layernorm}));
  }
}

}  // namespace
}  // namespace foreshard::test
