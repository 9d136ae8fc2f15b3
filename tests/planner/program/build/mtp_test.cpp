// Multi-token prediction: its parameters, FLOPs and memory by hand, and where pipelines place it.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/schedule/placement.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// A model of 8 layers, hidden 256, with the keys given; `rest` are the keys of parallelism and training.
JobSpec small_job(const std::string& model, const std::string& parallelism) {
  const std::string text =
      "model: {layers: 8, hidden: 256, heads: 8, kv_heads: 4, ffn_hidden: 512, vocab: 1024, " + model +
      "}\ncluster: {name: dgx-h100, nodes: 1}\nparallelism: {" + parallelism +
      "}\ntraining: {sequence_length: 64, global_batch: 16, micro_batch: 1}\n";
  return parse_jobs(text, "job.yaml").front();
}

// One layer: q and output (256, 256), k and v (256, 128) each, three FFN matrices (256, 512), two norms.
constexpr std::int64_t kLayerProducts = 2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512;
constexpr std::int64_t kLayer = kLayerProducts + 2 * 256;
// Beside its layer, a module has two norms, the (256, 512) projection and a final norm.
constexpr std::int64_t kModule = kLayer + 2 * 256 + 2 * 256 * 256 + 256;

void check_legal(const JobSpec& job) {
  CAPTURE(job.parallelism.pp, job.parallelism.tp);
  CHECK(check_program(build_step_program(job)) == std::vector<std::string>{});
}

}  // namespace

TEST_CASE("a module of multi-token prediction has a layer, a projection and three norms") {
  const ParameterCounts without = estimate(small_job("tied_embeddings: false", "tp: 1")).parameters;
  const ParameterCounts one = estimate(small_job("mtp: {layers: 1}", "tp: 1")).parameters;
  const ParameterCounts two = estimate(small_job("mtp: {layers: 2}", "tp: 1")).parameters;
  CHECK(one.mtp.value() == kModule);
  CHECK(two.mtp.value() == 2 * kModule);
  CHECK(one.total.value() == without.total.value() + kModule);
  CHECK(two.total.value() == without.total.value() + 2 * kModule);
  CHECK(one.active == without.active);
}

TEST_CASE("DeepSeek-V3's module has 11.6 billion parameters") {
  const auto jobs = parse_jobs(
      "model: {name: deepseek-v3, mtp: {layers: 1}}\ncluster: {name: dgx-h100, nodes: 32}\n"
      "parallelism: {pp: 16, ep: 16}\ntraining: {sequence_length: 4096, global_batch: 512, micro_batch: 1}\n",
      "job.yaml");
  const ParameterCounts counts = estimate(jobs.front()).parameters;
  // Latent attention: q 7168·1536 + 1536·128·192, kv 7168·576 + 512·128·256, output 128·128·7168, norms 1536 + 512.
  constexpr std::int64_t kAttention =
      7168 * 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 * 128 * 256 + 128 * 128 * 7168 + 1536 + 512;
  // 256 routed experts and a shared one; the router, with a number per expert.
  constexpr std::int64_t kExperts = std::int64_t{257} * 3 * 7168 * 2048 + 256 * 7168 + 256;
  constexpr std::int64_t kOwn = std::int64_t{2} * 7168 * 7168 + 3 * 7168;
  CHECK(counts.mtp.value() == kAttention + kExperts + 2 * 7168 + kOwn);
  // 671.03 billion without it. The checkpoint counts 684.5 billion: it stores table and head a second time.
  CHECK(counts.total.value() - counts.mtp.value() == 671'026'419'200);
  CHECK(std::abs((counts.total.as_double() + 2.0 * 129280 * 7168) / 684.5e9 - 1.0) < 1e-3);
}

TEST_CASE("a module runs its layer, its projection and the head once more per token") {
  const Estimate without = estimate(small_job("tied_embeddings: false", "tp: 1"));
  const Estimate with = estimate(small_job("mtp: {layers: 1}", "tp: 1"));
  // 2 FLOPs per weight of a product, and 4·heads·head_dim·sequence for scores and values.
  const std::int64_t products = kLayerProducts + 2 * 256 * 256 + 1024 * 256;
  const std::int64_t core = 4 * 256 * 64;
  CHECK((with.flops_per_token.forward - without.flops_per_token.forward).value() == 2 * products + core);
  CHECK(with.step.time > without.step.time);
  CHECK(with.memory.peak > without.memory.peak);
}

TEST_CASE("sharded programs with multi-token prediction are legal") {
  for (const char* model :
       {"mtp: {layers: 1}", "mtp: {layers: 2}", "mtp: {layers: 1}, tied_embeddings: true"}) {
    for (const char* parallelism :
         {"tp: 1", "tp: 2, pp: 2", "tp: 2, pp: 2, sequence_parallel: false", "tp: 2, pp: 4, zero: 1",
          "zero: 3", "pp: 2, vp: 2, dp: 4", "pp: 4, stages: by-cost"})
      check_legal(small_job(model, parallelism));
  }
}

TEST_CASE("a layout places multi-token prediction and leaves pieces without layers") {
  const JobSpec job = small_job("mtp: {layers: 1}", "pp: 4, stages: 'Et*3|t*5|m|L'");
  check_legal(job);
  const Placement placement = placement_of(build_step_program(job));
  CHECK(placement.pieces()[0].layers.count == 3);
  CHECK(placement.pieces()[1].layers.count == 5);
  CHECK(placement.pieces()[2].layers.count == 0);
  CHECK(placement.pieces()[2].has_mtp);
  CHECK_FALSE(placement.pieces()[2].has_head);
  CHECK(placement.pieces()[3].has_head);
  // The weights are the same wherever they stand.
  const Estimate alone = estimate(small_job("mtp: {layers: 1}", "tp: 1"));
  CHECK(estimate(job).parameters.total == alone.parameters.total);
}

TEST_CASE("a stage after multi-token prediction receives both streams") {
  const StepProgram program =
      build_step_program(small_job("mtp: {layers: 1}", "pp: 2, dp: 4, stages: 'Et*8,m|L'"));
  // 64 tokens × 256 × 2 bytes for the model's own output, and as much for the module's.
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      if (const auto* send = std::get_if<Send>(&op.kind)) CHECK(send->payload == Bytes(2 * 64 * 256 * 2));
    }
  }
}
