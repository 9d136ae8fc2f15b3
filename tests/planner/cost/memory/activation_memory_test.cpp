// Compares the memory ledger's bytes with the papers' formulas. Small terms that the papers leave out are
// derived where they are used.
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t s = 32, b = 2, h = 64, a = 8, t = 4;
constexpr std::int64_t kSbh = s * b * h;
constexpr std::int64_t kSquares = a * s * s * b;
// Two layernorms keep mean and reciprocal deviation of each token in fp32.
constexpr std::int64_t kStatistics = s * b * 2 * 2 * 4;

JobSpec dropping_gpt() {
  JobSpec job = gpt_job(gpt_shaped(4, h, a, 512), {.sequence = s, .micro_batch = b, .global_batch = 4});
  job.training.dropout = true;
  return job;
}

/// Bytes that one layer's forward leaves for its backward, on one rank.
std::int64_t saved_by_layer(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  return block_memory(program)[block_index(program, "dense_layer forward")].saved.value();
}

JobSpec recomputing(JobSpec job, Recompute recompute) {
  job.training.recompute = recompute;
  return job;
}

}  // namespace

// Korthikanti et al. 2022, arXiv:2205.05198, section 4 and table 2.

TEST_CASE("activations: a GPT layer saves sbh·(34 + 5as/h) bytes") {
  CHECK(saved_by_layer(dropping_gpt()) == 34 * kSbh + 5 * kSquares + kStatistics);
}

TEST_CASE("activations: tensor parallelism divides 24 of the 34 and the squares") {
  const JobSpec job = sharded(dropping_gpt(), {.tp = t});
  CHECK(saved_by_layer(job) == 10 * kSbh + 24 * kSbh / t + 5 * kSquares / t + kStatistics);
}

TEST_CASE("activations: sequence parallelism divides the rest") {
  const JobSpec job = sharded(dropping_gpt(), {.tp = t, .sequence_parallel = true});
  CHECK(saved_by_layer(job) == (34 * kSbh + 5 * kSquares + kStatistics) / t);
}

TEST_CASE("activations: where gathered inputs are kept, two of them stay whole") {
  JobSpec job = sharded(dropping_gpt(), {.tp = t, .sequence_parallel = true});
  job.framework = Framework::nanotron;
  // The outputs of the norms (2·2sbh/t) are not kept; the tensors gathered from them (2·2sbh) are.
  CHECK(saved_by_layer(job) == (30 * kSbh + 5 * kSquares + kStatistics) / t + 4 * kSbh);
}

TEST_CASE("activations: selective recomputation drops the squares") {
  const JobSpec job = recomputing(dropping_gpt(), Recompute::selective);
  CHECK(saved_by_layer(job) == 34 * kSbh + kStatistics);
  CHECK(saved_by_layer(sharded(job, {.tp = t, .sequence_parallel = true})) == (34 * kSbh + kStatistics) / t);
}

TEST_CASE("activations: full recomputation keeps the layer's input alone") {
  const JobSpec job = recomputing(dropping_gpt(), Recompute::full);
  CHECK(saved_by_layer(job) == 2 * kSbh);
  CHECK(saved_by_layer(sharded(job, {.tp = t})) == 2 * kSbh);
  CHECK(saved_by_layer(sharded(job, {.tp = t, .sequence_parallel = true})) == 2 * kSbh / t);
}

TEST_CASE("activations: without dropout no masks, and softmax's output alone") {
  JobSpec job = dropping_gpt();
  job.training.dropout = false;
  CHECK(saved_by_layer(job) == 32 * kSbh + 2 * kSquares + kStatistics);
}

TEST_CASE("activations: flash attention keeps one fp32 number per row and head") {
  JobSpec job = dropping_gpt();
  job.training.attention = AttentionKind::flash;
  CHECK(saved_by_layer(job) == 34 * kSbh + 4 * s * b * a + kStatistics);
}

TEST_CASE("activations: Llama with flash, SwiGLU and grouped queries") {
  // Per token: norms 4h each (in and out), q 2h, k and v 4h·g/a, attention's output 2h, gate, up and their
  // product 6f, one fp32 per head 4a: 12h + 4h·g/a + 6f + 4a. And one fp32 statistic of each of two RMSNorms.
  constexpr std::int64_t f = 160, g = 2;
  JobSpec job =
      llama_job(llama_shaped(4, h, f, a, g, 512), {.sequence = s, .micro_batch = b, .global_batch = 4});
  const std::int64_t per_token = 12 * h + 4 * h * g / a + 6 * f + 4 * a + 2 * 4;
  CHECK(saved_by_layer(job) == s * b * per_token);
  CHECK(saved_by_layer(sharded(job, {.tp = 2, .sequence_parallel = true})) == s * b * per_token / 2);
  // One kernel per pointwise operation keeps silu(gate) besides.
  job.training.compiled = false;
  CHECK(saved_by_layer(job) == s * b * (per_token + 2 * f));
}

TEST_CASE("activations: in flight on the first stage are min(p, m) micro-batches") {
  JobSpec job = dropping_gpt();
  job.training.global_batch = 2 * 6;
  for (const std::int64_t p : {1, 2, 4}) {
    const MemoryReport report = estimate(sharded(job, {.pp = p})).memory;
    for (std::int64_t i = 0; i < p; ++i) {
      CHECK(report.stages[static_cast<std::size_t>(i)].in_flight == std::min<std::int64_t>(p - i, 6));
    }
  }
}

namespace {

struct StateBytes {
  std::int64_t weights, gradients, optimizer;
};

/// Bytes per parameter, over a model whose every tensor divides evenly.
void check_state(JobSpec job, const Degrees& degrees, const StateBytes& per_parameter_and_dp) {
  job = sharded(job, degrees);
  const Estimate found = estimate(job);
  const StageMemory& stage = found.memory.stages[0];
  const std::int64_t parameters = found.parameters.total.value();
  const auto share = [&](std::int64_t bytes, bool cut) {
    return bytes * parameters / (cut ? degrees.dp : 1);
  };
  CHECK(stage.weights.value() == share(per_parameter_and_dp.weights, degrees.zero >= 3));
  CHECK(stage.gradients.value() == share(per_parameter_and_dp.gradients, degrees.zero >= 2));
  CHECK(stage.optimizer.value() == share(per_parameter_and_dp.optimizer, degrees.zero >= 1));
}

}  // namespace

// Rajbhandari et al. 2020, arXiv:1910.02054, section 5; Megatron-LM, docs on its distributed optimizer.

TEST_CASE("model state: bytes per parameter") {
  JobSpec job =
      llama_job(llama_shaped(4, h, 128, a, a, 512), {.sequence = s, .micro_batch = 1, .global_batch = 8});
  for (const int zero : {0, 1, 2, 3}) {
    const Degrees degrees{.dp = 8, .zero = zero};
    INFO("zero " << zero);
    // bf16 weight, fp32 gradient, fp32 master and moments: 18; 6 + 12/d; 2 + 16/d; 18/d
    job.training.gradient_dtype = DType::fp32;
    check_state(job, degrees, {.weights = 2, .gradients = 4, .optimizer = 12});
    // bf16 gradient: 16; 4 + 12/d; 2 + 14/d; 16/d
    job.training.gradient_dtype = DType::bf16;
    check_state(job, degrees, {.weights = 2, .gradients = 2, .optimizer = 12});
  }
}

TEST_CASE("model state: fp32 training keeps no masters") {
  JobSpec job =
      llama_job(llama_shaped(4, h, 128, a, a, 512), {.sequence = s, .micro_batch = 1, .global_batch = 8});
  job.training.precision = Precision::fp32;  // 16 | 8 + 8/d
  check_state(job, {.dp = 8}, {.weights = 4, .gradients = 4, .optimizer = 8});
  check_state(job, {.dp = 8, .zero = 1}, {.weights = 4, .gradients = 4, .optimizer = 8});
  job.training.optimizer = OptimizerKind::sgd;
  check_state(job, {.dp = 8}, {.weights = 4, .gradients = 4, .optimizer = 0});
}

TEST_CASE("model state: FSDP's sharded weights are fp32 and their own masters") {
  JobSpec job =
      llama_job(llama_shaped(4, h, 128, a, a, 512), {.sequence = s, .micro_batch = 1, .global_batch = 8});
  job.framework = Framework::torch_fsdp;
  check_state(job, {.dp = 8, .zero = 3}, {.weights = 4, .gradients = 4, .optimizer = 8});  // 16/d
  // With one replica nothing is sharded, and master weights are kept besides 16-bit weights, as without ZeRO.
  check_state(job, {.dp = 1, .zero = 3}, {.weights = 2, .gradients = 4, .optimizer = 12});
}
