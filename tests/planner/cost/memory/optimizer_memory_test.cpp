// What optimizers keep of a parameter, and what updates in backward free.
#include <string>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr std::int64_t D = 64, F = 256, V = 512, L = 4;

/// A Llama whose sizes all divide by 256 and by dp 8.
JobSpec state_job() {
  JobSpec job =
      llama_job(llama_shaped(L, D, F, 8, 8, V), {.sequence = 32, .micro_batch = 1, .global_batch = 8});
  job.training.gradient_dtype = DType::bf16;
  return job;
}

StageMemory memory_of(const JobSpec& job) {
  CHECK(check_program(build_step_program(job)) == std::vector<std::string>{});
  return estimate(job).memory.stages[0];
}

/// Per layer: qkv 3·D², out D², gate and up 2·F·D, down D·F, norms 2·D; tables 2·V·D; the final norm D.
constexpr std::int64_t kMatrices = L * (4 * D * D + 3 * F * D);
constexpr std::int64_t kTables = 2 * V * D;
constexpr std::int64_t kVectors = (2 * L + 1) * D;
constexpr std::int64_t kParameters = kMatrices + kTables + kVectors;

}  // namespace

TEST_CASE("optimizer states: bytes per parameter of masters and moments") {
  struct Row {
    OptimizerKind optimizer;
    MasterWeights master;
    MomentType moments;
    std::int64_t bytes;
  };
  using enum OptimizerKind;
  for (const Row& row : {Row{adamw, MasterWeights::fp32, MomentType::fp32, 4 + 4 + 4},
                         Row{adamw, MasterWeights::fp32, MomentType::bf16, 4 + 2 + 2},
                         Row{adamw, MasterWeights::fp32_remainder, MomentType::bf16, 2 + 2 + 2},
                         Row{adamw, MasterWeights::fp32, MomentType::fp8, 4 + 1 + 1},
                         Row{adamw, MasterWeights::none, MomentType::bf16, 2 + 2},
                         Row{adamw, MasterWeights::bf16_stochastic, MomentType::bf16, 2 + 2},
                         Row{lion, MasterWeights::none, MomentType::bf16, 2},
                         Row{sgd, MasterWeights::none, MomentType::bf16, 0}}) {
    JobSpec job = state_job();
    job.training.optimizer = row.optimizer;
    job.training.states = {.master = row.master, .moments = row.moments};
    INFO("bytes " << row.bytes);
    CHECK(memory_of(job).optimizer.value() == row.bytes * kParameters);
    CHECK(memory_of(job).weights.value() == 2 * kParameters);
    // ZeRO-1 divides them.
    CHECK(memory_of(sharded(job, {.dp = 8, .zero = 1})).optimizer.value() == row.bytes * kParameters / 8);
  }
}

TEST_CASE("optimizer states: 8-bit moments have an fp32 scale per 256 elements") {
  JobSpec job = state_job();
  job.training.optimizer = OptimizerKind::adamw_8bit;
  job.training.states = {.master = MasterWeights::none, .moments = MomentType::int8};
  // Two moments of 1 + 4/256 bytes. A norm of 64 elements has a scale of its own.
  const auto scales = [](std::int64_t elements) { return 4 * ((elements + 255) / 256); };
  const std::int64_t moment = kParameters + scales(kMatrices) + scales(kTables) + (2 * L + 1) * scales(D);
  CHECK(memory_of(job).optimizer.value() == 2 * moment);
}

TEST_CASE("optimizer states: Adafactor keeps row and column means of matrices") {
  JobSpec job = state_job();
  job.training.optimizer = OptimizerKind::adafactor;
  job.training.states = {.master = MasterWeights::none, .moments = MomentType::factored};
  // qkv (3D, D), out (D, D), gate and up (2F, D), down (D, F), two norms of D; tables (V, D); final norm D.
  const std::int64_t layer = (3 * D + D) + (D + D) + (2 * F + D) + (D + F) + 2 * D;
  CHECK(memory_of(job).optimizer.value() == 4 * (L * layer + 2 * (V + D) + D));
}

TEST_CASE("optimizer states: without masters sharded weights are 16 bits, with them fp32, in FSDP") {
  JobSpec job = sharded(state_job(), {.dp = 8, .zero = 3});
  job.framework = Framework::torch_fsdp;
  CHECK(memory_of(job).weights.value() == 4 * kParameters / 8);
  CHECK(memory_of(job).optimizer.value() == 8 * kParameters / 8);
  job.training.states = {.master = MasterWeights::none, .moments = MomentType::bf16};
  CHECK(memory_of(job).weights.value() == 2 * kParameters / 8);
  CHECK(memory_of(job).optimizer.value() == 4 * kParameters / 8);
}

TEST_CASE("optimizer in backward: no layer's gradients are kept beside another's") {
  JobSpec job = state_job();
  job.training.global_batch = 1;
  const StageMemory after = memory_of(job);
  job.training.optimizer_in_backward = true;
  const StageMemory during = memory_of(job);
  CHECK(after.gradients.value() == 2 * kParameters);
  CHECK(during.gradients.value() == 0);
  CHECK(during.weights == after.weights);
  CHECK(during.optimizer == after.optimizer);
  CHECK(during.peak + Bytes(2 * (kParameters - kTables)) < after.peak + Bytes(2 * kTables));
  // A tied table has gradients from both ends: they stay.
  job.model.tied_embeddings = true;
  CHECK(memory_of(job).gradients.value() == 2 * V * D);
}

TEST_CASE("Muon: one moment of matrices, Adam's two of the rest") {
  JobSpec job = state_job();
  job.training.optimizer = OptimizerKind::muon;
  CHECK(memory_of(job).optimizer.value() == 4 * kParameters + 4 * kMatrices + 8 * (kTables + kVectors));
  CHECK(memory_of(sharded(job, {.dp = 8, .zero = 1})).optimizer.value() ==
        (4 * kParameters + 4 * kMatrices + 8 * (kTables + kVectors)) / 8);
}

TEST_CASE("Muon: five Newton-Schulz steps of 4·s²·l + 2·s³ FLOPs for each matrix") {
  JobSpec job = state_job();
  job.training.optimizer = OptimizerKind::muon;
  const auto orthogonal_flops = [](const JobSpec& which) {
    const StepProgram program = build_step_program(which);
    const std::vector<std::int64_t> calls = count_block_calls(program, StageId(0));
    std::int64_t flops = 0;
    for (std::size_t b = 0; b < program.blocks.size(); ++b) {
      for (const Op& op : program.blocks[b].ops) {
        if (op.phase == Phase::optimizer) flops += op_flops(op).hardware.value() * calls[b];
      }
    }
    return flops;
  };
  // (s, l): qkv (D, 3D), out (D, D), gate and up (D, 2F), down (D, F).
  const auto step = [](std::int64_t s, std::int64_t l) { return 4 * s * s * l + 2 * s * s * s; };
  const std::int64_t layer = 5 * (step(D, 3 * D) + step(D, D) + step(D, 2 * F) + step(D, F));
  CHECK(orthogonal_flops(job) == L * layer);
  // Over two ranks each has two of the four layers; over eight, one layer falls to the busiest.
  CHECK(orthogonal_flops(sharded(job, {.dp = 2, .zero = 1})) == 2 * layer);
  CHECK(orthogonal_flops(sharded(job, {.dp = 8, .zero = 1})) == layer);
  // They are no FLOPs of the model.
  JobSpec adam = job;
  adam.training.optimizer = OptimizerKind::adamw;
  CHECK(estimate(job).step.model_flops == estimate(adam).step.model_flops);
}
