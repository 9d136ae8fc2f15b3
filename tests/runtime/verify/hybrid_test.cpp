// Hybrid sharding: ZeRO over a part of the data-parallel ranks, copies of the shards on the others; and weights
// that stay gathered between forward and backward.
#include "runtime/execute/zero_shares.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

constexpr int kStages[] = {1, 2, 3};

/// Degrees and the number of ranks that share shards.
struct Hybrid {
  Degrees degrees;
  std::int64_t dp_shard = 1;
};

std::vector<Hybrid> hybrids(std::int64_t devices) {
  switch (devices) {
    case 2: return {{{.dp = 2}, 1}};
    case 4: return {{{.dp = 4}, 2}, {{.tp = 2, .dp = 2}, 1}, {{.dp = 2, .cp = 2}, 1}};
    case 6: return {{{.dp = 6}, 3}};
    default: return {{{.dp = 8}, 4}, {{.tp = 2, .dp = 4, .sequence_parallel = true}, 2}};
  }
}

/// Two micro-batches on each data-parallel rank, so that gradients add up.
JobSpec hybrid_job(const Hybrid& hybrid, int zero) {
  Degrees degrees = hybrid.degrees;
  degrees.zero = zero;
  JobSpec job = sharded(tiny_job(false), degrees);
  job.parallelism.dp_shard = hybrid.dp_shard;
  job.training.global_batch = 4 * degrees.dp;
  return job;
}

TEST_CASE("shards with copies compute what one device computes, and everything is counted as planned") {
  for (const int zero : kStages) {
    for (const Hybrid& hybrid : hybrids(mpi_session().size())) {
      CAPTURE(zero, hybrid.degrees.name(), hybrid.dp_shard);
      const JobSpec job = hybrid_job(hybrid, zero);
      check_equals_unsharded(job);
      check_fast_kernels(job);
      check_counted_as_planned(job);
    }
  }
}

TEST_CASE("copies of shards with a bf16 program, recomputation and tied tables") {
  const Hybrid hybrid = hybrids(mpi_session().size()).front();
  for (const int zero : kStages) {
    CAPTURE(zero);
    JobSpec job = hybrid_job(hybrid, zero);
    job.training.precision = Precision::bf16;
    job.training.recompute = Recompute::full;
    job.model.tied_embeddings = true;
    check_equals_unsharded(job);
    check_counted_as_planned(job);
  }
}

TEST_CASE("experts' shards have copies too") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks < 4 || ranks % 2 != 0) return;
  for (const int zero : kStages) {
    CAPTURE(zero);
    // Two replicas of an expert and two copies of each shard on 4 ranks: experts' weights are whole.
    JobSpec job = hybrid_job({{.dp = ranks, .ep = 2}, ranks / 2}, zero);
    job.model.experts =
        ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12, .shared_hidden = 16, .dense_layers = 1};
    job.model.experts->imbalance = 2.0;
    check_equals_unsharded(job);
    check_counted_as_planned(job);
  }
}

TEST_CASE("weights that stay gathered until backward") {
  for (const Hybrid& hybrid : hybrids(mpi_session().size())) {
    CAPTURE(hybrid.degrees.name());
    JobSpec job = hybrid_job(hybrid, 3);
    job.parallelism.dp_shard = std::nullopt;
    job.training.reshard_after_forward = false;
    check_equals_unsharded(job);
    check_counted_as_planned(job);
  }
}

TEST_CASE("ranks with equal shards are as many ranks apart as share shards") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks % 2 != 0) return;
  const JobSpec job = hybrid_job({{.dp = ranks}, ranks / 2}, 3);
  const StepProgram program = build_step_program(job);
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  const RankPlan plan(program, device, communicator);
  double whole = 0.0;
  double held = 0.0;
  for (const HeldWeight& weight : plan.weights()) {
    whole += static_cast<double>(whole_elements(program.tensor(weight.tensor)));
    held += static_cast<double>(weight.weight.elements);
  }
  CHECK(communicator.sum_over_world(held) == 2.0 * whole);
}

}  // namespace
}  // namespace foreshard::test
