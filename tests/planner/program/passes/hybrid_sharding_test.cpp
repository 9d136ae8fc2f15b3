// ZeRO over a part of the replicas, and weights that stay gathered between forward and backward.
#include <string>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t D = 64, F = 256, V = 512, L = 2;
/// qkv 3·D², out D², gate and up 2·F·D, down D·F, norms 2·D.
constexpr std::int64_t kLayer = 4 * D * D + 3 * F * D + 2 * D;
constexpr std::int64_t kParameters = L * kLayer + 2 * V * D + D;

JobSpec hybrid_job(int zero, std::int64_t dp_shard) {
  JobSpec job =
      llama_job(llama_shaped(L, D, F, 8, 8, V), {.sequence = 32, .micro_batch = 1, .global_batch = 8});
  job = sharded(job, {.dp = 8, .zero = zero});
  job.parallelism.dp_shard = dp_shard;
  job.training.gradient_dtype = DType::fp32;
  job.training.overlap = {};
  return job;
}

struct Sums {
  std::int64_t gathered = 0, scattered = 0, reduced = 0, gathers = 0;
};

/// Payloads over the data-parallel groups of one step on one rank.
Sums exchanged(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  const std::vector<std::int64_t> calls = count_block_calls(program, StageId(0));
  Sums sums;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Op& op : program.blocks[b].ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective == nullptr || collective->group == GroupKind::world) continue;
      const std::int64_t bytes = collective->payload.value() * calls[b];
      if (collective->group == GroupKind::dp_replicate) {
        CHECK(collective->kind == CollectiveKind::all_reduce);
        CHECK(op.lane == Lane::dp_replicate);
        sums.reduced += bytes;
      } else if (collective->kind == CollectiveKind::all_gather) {
        sums.gathered += bytes;
        sums.gathers += calls[b];
      } else {
        sums.scattered += bytes;
      }
    }
  }
  return sums;
}

}  // namespace

TEST_CASE("hybrid sharding: shards lie on consecutive ranks, copies of them on strides") {
  ParallelismSpec degrees;
  degrees.tp = degrees.ep = 2;
  degrees.dp = 8;
  degrees.zero = 3;
  const DeviceMesh whole(degrees);
  degrees.dp_shard = 4;
  const DeviceMesh mesh(degrees);
  const auto members = [&](GroupKind kind, std::int32_t rank) { return mesh.members(kind, Rank(rank)); };
  CHECK(members(GroupKind::dp_shard, 11) == std::vector{Rank(9), Rank(11), Rank(13), Rank(15)});
  CHECK(members(GroupKind::dp_replicate, 3) == std::vector{Rank(3), Rank(11)});
  // Experts over ep 2 and etp 2 have 4 replicas, 4 ranks apart: 2 share shards, 2 hold copies.
  CHECK(members(GroupKind::expert_shard, 1) == std::vector{Rank(1), Rank(5)});
  CHECK(whole.group(GroupKind::dp_shard).size == 1);
  CHECK(whole.group(GroupKind::dp_replicate).size == 1);
}

TEST_CASE("hybrid sharding: state of 4 of 8 replicas is cut into 4") {
  for (const int zero : {1, 2, 3}) {
    const StageMemory part = estimate(hybrid_job(zero, 4)).memory.stages[0];
    CHECK(part.optimizer.value() == 12 * kParameters / 4);
    CHECK(part.gradients.value() == 4 * kParameters / (zero >= 2 ? 4 : 1));
    CHECK(part.weights.value() == 2 * kParameters / (zero == 3 ? 4 : 1));
  }
}

TEST_CASE("hybrid sharding: gradients are scattered over the shards, then summed over the copies") {
  // One micro-batch per replica. fp32 gradients: whole ones are scattered, a quarter is summed.
  for (const int zero : {1, 2, 3}) {
    const Sums sums = exchanged(hybrid_job(zero, 4));
    CHECK(sums.scattered == 4 * kParameters);
    CHECK(sums.reduced == 4 * kParameters / 4);
    CHECK(exchanged(hybrid_job(zero, 8)).reduced == 0);
  }
}

TEST_CASE("hybrid sharding over all replicas is sharding") {
  for (const int zero : {1, 2, 3}) {
    JobSpec plain = hybrid_job(zero, 8);
    plain.parallelism.dp_shard = std::nullopt;
    const Estimate a = estimate(plain);
    const Estimate b = estimate(hybrid_job(zero, 8));
    CHECK(a.step.time.value() == b.step.time.value());
    CHECK(a.memory.peak == b.memory.peak);
  }
}

TEST_CASE("weights that stay gathered are gathered once, and kept until backward") {
  JobSpec job = hybrid_job(3, 8);
  const Sums twice = exchanged(job);
  const Bytes before = estimate(job).memory.peak;
  job.training.reshard_after_forward = false;
  const Sums once = exchanged(job);
  // Forward gathers every weight; backward gathers all but the token table, which it does not read.
  CHECK(once.gathered == 2 * kParameters);
  CHECK(twice.gathered == 2 * (2 * kParameters - V * D));
  CHECK(estimate(job).memory.peak > before);
}
