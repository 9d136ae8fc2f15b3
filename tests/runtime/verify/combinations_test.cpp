// Features of models combined with parallelisms: norms of queries and keys, biases, learned positions, layer
// norms and GELU, selective recomputation and uneven stages, with schedules and ZeRO.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Parallelism degrees for this many devices.
std::vector<Degrees> cuts(std::int64_t devices) {
  switch (devices) {
    case 2:
      return {{.tp = 2}, {.tp = 2, .sequence_parallel = true}, {.pp = 2}, {.dp = 2, .zero = 3}, {.cp = 2}};
    case 3: return {{.pp = 3}, {.dp = 3, .zero = 2}};
    case 4:
      return {{.tp = 2, .pp = 2},
              {.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 2},
              {.pp = 2, .dp = 2, .zero = 3},
              {.tp = 2, .sequence_parallel = true, .cp = 2}};
    case 8: return {{.tp = 2, .pp = 2, .dp = 2, .sequence_parallel = true, .zero = 3}};
    default: return {{}};
  }
}

JobSpec cut_job(const Degrees& degrees, bool gpt) {
  JobSpec job = sharded(tiny_job(gpt), degrees);
  job.training.global_batch = 8 * degrees.dp;
  return job;
}

/// The same with every schedule that these degrees allow.
std::vector<JobSpec> scheduled(const JobSpec& job) {
  std::vector<JobSpec> jobs{job};
  if (job.parallelism.pp == 1) return jobs;
  jobs.push_back(job);
  jobs.back().training.schedule = ScheduleKind::interleaved;
  jobs.back().parallelism.vp = 2;
  jobs.back().model.layers = 2 * job.parallelism.pp + 1;  // one chunk has a layer more
  jobs.back().training.global_batch = 4 * job.parallelism.pp * job.parallelism.dp;
  if (job.parallelism.zero >= 2) return jobs;
  jobs.push_back(job);
  jobs.back().training.schedule = ScheduleKind::zero_bubble;
  return jobs;
}

void check_all(const JobSpec& job) {
  for (const JobSpec& one : scheduled(job)) {
    CAPTURE(static_cast<int>(one.training.schedule));
    check_equals_unsharded(one);
    check_counted_as_planned(one);
  }
}

TEST_CASE("norms of queries and keys") {
  for (const Degrees& degrees : cuts(mpi_session().size())) {
    for (const Recompute recompute : {Recompute::none, Recompute::selective_ops, Recompute::full}) {
      CAPTURE(degrees.name(), static_cast<int>(recompute));
      JobSpec job = cut_job(degrees, false);
      job.model.qk_norm = true;
      job.training.recompute = recompute;
      check_all(job);
      check_fast_kernels(job);
    }
  }
}

TEST_CASE("norms of queries and keys under ulysses, without rotation, with experts") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks % 2 != 0) return;
  JobSpec job = cut_job({.dp = ranks / 2, .cp = 2}, false);
  job.model.qk_norm = true;
  SECTION("ulysses") { job.parallelism.cp_style = CpStyle::ulysses; }
  SECTION("all-gather, without rotary embedding") {
    job.parallelism.cp_style = CpStyle::all_gather;
    job.model.positions = Positions::none;
  }
  SECTION("experts") {
    job = cut_job({.dp = ranks, .zero = 3, .ep = 2}, false);
    job.model.qk_norm = true;
    job.model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16};
    job.model.experts->imbalance = 2.0;
  }
  check_all(job);
}

TEST_CASE("biases, positions, norms and activations in combination") {
  for (const Degrees& degrees : cuts(mpi_session().size())) {
    for (const Biases biases : {Biases::none, Biases::qkv, Biases::attention, Biases::all}) {
      for (const bool gpt : {false, true}) {
        CAPTURE(degrees.name(), static_cast<int>(biases), gpt);
        JobSpec job = cut_job(degrees, gpt);
        job.model.biases = biases;
        // Each model with the features of the other one.
        job.model.positions = biases == Biases::qkv ? Positions::learned : Positions::rope;
        job.model.norm = biases == Biases::attention ? NormKind::layernorm : job.model.norm;
        job.model.ffn = biases == Biases::all ? FfnKind::geglu : job.model.ffn;
        check_all(job);
      }
    }
  }
}

TEST_CASE("a GPT-shaped model with tied embeddings and selective recomputation") {
  for (const Degrees& degrees : cuts(mpi_session().size())) {
    for (const Recompute recompute : {Recompute::selective, Recompute::selective_ops, Recompute::full}) {
      CAPTURE(degrees.name(), static_cast<int>(recompute));
      JobSpec job = cut_job(degrees, true);
      job.model.tied_embeddings = true;
      job.training.recompute = recompute;
      check_all(job);
    }
  }
}

TEST_CASE("bf16 weights and transfers, with fp32 master weights and gradients") {
  for (const Degrees& degrees : cuts(mpi_session().size())) {
    CAPTURE(degrees.name());
    JobSpec job = cut_job(degrees, false);
    job.model.qk_norm = true;
    job.model.tied_embeddings = true;
    job.training.precision = Precision::bf16;
    for (const JobSpec& one : scheduled(job)) {
      CAPTURE(static_cast<int>(one.training.schedule));
      check_counted_as_planned(one);
      CpuDevice device(1);
      MpiCommunicator communicator(mpi_session(), DeviceMesh(one.parallelism));
      const ShardingErrors errors = compare_with_unsharded(one, device, communicator, 1);
      // Single gradients of so small a model are sums over few tokens that nearly cancel: they are compared
      // in fp64.
      CHECK(errors.loss <= outputs_bound(one));
      CHECK(errors.outputs <= outputs_bound(one));
    }
  }
}

TEST_CASE("stages of unequal size, given by hand and by cost") {
  for (const StagePolicy policy : {StagePolicy::even, StagePolicy::by_cost, StagePolicy::listed}) {
    for (const Degrees& degrees : cuts(mpi_session().size())) {
      if (degrees.pp == 1) continue;
      CAPTURE(static_cast<int>(policy), degrees.name());
      JobSpec job = cut_job(degrees, true);
      job.model.layers = 5;
      job.model.vocab = 500;  // a head that weighs as much as layers do
      job.parallelism.stage_policy = policy;
      if (policy == StagePolicy::listed) {
        job.parallelism.stage_layers =
            degrees.pp == 2 ? std::vector<std::int64_t>{1, 4} : std::vector<std::int64_t>{1, 3, 1};
      }
      check_equals_unsharded(job);
      check_counted_as_planned(job);
    }
  }
}

}  // namespace
}  // namespace foreshard::test
