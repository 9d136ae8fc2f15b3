// The bytes and the work of the loss in its forms: as frameworks run it, in place, in parts, gathered.
#include <string>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

// T tokens, D hidden, V vocabulary: logits of T·V elements are all but everything.
constexpr std::int64_t T = 64, D = 16, V = 4096;
constexpr std::int64_t kLogits = T * V;

JobSpec loss_job(Framework framework) {
  JobSpec job =
      llama_job(llama_shaped(1, D, 32, 4, 4, V), {.sequence = T, .micro_batch = 1, .global_batch = 8});
  job.framework = framework;
  job.training.gradient_dtype = DType::fp32;
  return job;
}

StepProgram checked(const JobSpec& job) {
  StepProgram program = build_step_program(job);
  const std::vector<std::string> problems = check_program(program);
  CHECK(problems == std::vector<std::string>{});
  return program;
}

std::int64_t block_peak(const JobSpec& job, const std::string& name) {
  const StepProgram program = checked(job);
  return block_memory(program)[block_index(program, name)].peak.value();
}
std::int64_t block_saved(const JobSpec& job, const std::string& name) {
  const StepProgram program = checked(job);
  return block_memory(program)[block_index(program, name)].saved.value();
}

/// Of the head's forward: its norm keeps 2·T·D bytes and one fp32 statistic per row, the loss one fp32
/// maximum, two fp32 sums and a label of 4 bytes per row.
constexpr std::int64_t kSmall = 2 * T * D + 4 * T + 12 * T + 4 * T;

Bytes loss_traffic(const JobSpec& job) {
  const StepProgram program = checked(job);
  Bytes sum;
  for (const Block& block : program.blocks) {
    if (block.kind != BlockKind::head) continue;
    for (const Op& op : block.ops) {
      if (std::holds_alternative<CrossEntropy>(op.kind)) sum += op_traffic(op, program);
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("loss: Megatron-LM keeps an fp32 copy from forward to backward: 4 bytes per logit") {
  CHECK(block_saved(loss_job(Framework::megatron), "head forward") == 4 * kLogits + kSmall);
}

TEST_CASE("loss: PyTorch keeps log_softmax's result, and backward fills two fp32 gradients besides") {
  const JobSpec job = loss_job(Framework::torch_fsdp);
  CHECK(block_saved(job, "head forward") == 4 * kLogits + kSmall);
  // In backward nll_loss's gradient 4, log_softmax's 4, the cast one 2 come to the 4 that were kept.
  const std::int64_t backward = block_peak(job, "head backward");
  CHECK(backward == 10 * kLogits);
  // In forward the fp32 copy and the result: 8, and what is kept of each row.
  CHECK(block_peak(job, "head forward") == 8 * kLogits + kSmall);
}

TEST_CASE("loss: in place it needs the 16-bit logits and nothing else of their size") {
  JobSpec job = loss_job(Framework::torch_fsdp);
  job.training.loss.fused = true;
  CHECK(block_saved(job, "head forward") == 2 * kLogits + kSmall);
  // The gradient replaces the logits; maxima, sums and labels are freed; then come dX (2·T·D) and dW in the
  // weights' type (2·V·D).
  CHECK(block_peak(job, "head backward") == 2 * T * D + 2 * V * D - 16 * T);
  // Forward reads the logits twice, backward reads and writes them: 8 bytes each; and labels, maxima, sums.
  const std::int64_t rows = T * (4 + (4 + 4 + 8) + 8 + (4 + 4 + 8)) + 4;
  CHECK(loss_traffic(job).value() == 8 * kLogits + rows);
}

TEST_CASE("loss: in parts the logits of one part are in memory at a time") {
  for (const Framework framework : {Framework::torch_fsdp, Framework::megatron}) {
    JobSpec job = loss_job(framework);
    const Estimate whole = estimate(job);
    std::int64_t before = block_peak(job, "head forward") + block_peak(job, "head backward");
    for (const std::int64_t chunks : {2, 4, 8}) {
      job.training.loss.chunks = chunks;
      const std::int64_t peak = block_peak(job, "head forward");
      CHECK(peak < before);
      before = peak;
      // What is kept for backward: dX and dW, no logits.
      // and the norm's statistics, for its own backward.
      CHECK(block_saved(job, "head forward") == 2 * T * D + 2 * V * D + 4 * T);
      // The same products, in parts.
      const Estimate parts = estimate(job);
      CHECK(parts.step.model_flops == whole.step.model_flops);
      CHECK(parts.step.hardware_flops == whole.step.hardware_flops);
    }
  }
}

TEST_CASE("loss: in place and in parts, 2 bytes per logit of a part") {
  JobSpec job = loss_job(Framework::deepspeed);
  job.training.loss = {.fused = true, .chunks = 8};
  const std::int64_t outside = 2 * T * D * 3 + 2 * V * D;  // stream and norm's output are read; dX, dW
  const std::int64_t peak = block_peak(job, "head forward");
  CHECK(peak >= 2 * kLogits / 8);
  CHECK(peak <= 2 * kLogits / 8 + outside + 40 * T);
}

TEST_CASE("loss: gathered logits are whole on every tensor-parallel rank") {
  JobSpec job = sharded(loss_job(Framework::torch_fsdp), {.tp = 4, .sequence_parallel = true});
  const std::int64_t cut = block_saved(job, "head forward");
  job.training.loss.sharded = false;
  const std::int64_t whole = block_saved(job, "head forward");
  // The log probabilities alone: 4·T·V instead of 4·T·V/4.
  CHECK(whole - cut == 4 * kLogits - 4 * kLogits / 4);
  const StepProgram program = checked(job);
  const Block& head = block_named(program, "head forward");
  std::int64_t gathered = 0;
  for (const Op& op : head.ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective == nullptr || op.component != Component::loss) continue;
    CHECK(collective->kind == CollectiveKind::all_gather);
    gathered += collective->payload.value();
  }
  CHECK(gathered == 2 * kLogits);
}

TEST_CASE("loss: compiled, it keeps 16-bit logits and writes their gradient beside them") {
  JobSpec job = loss_job(Framework::torch_fsdp);
  job.training.loss.compiled = true;
  CHECK(block_saved(job, "head forward") == 2 * kLogits + kSmall);
  JobSpec in_place = job;
  in_place.training.loss = {.fused = true};
  CHECK(block_peak(job, "head backward") >= 2 * kLogits);
  CHECK(loss_traffic(job) == loss_traffic(in_place));
}

TEST_CASE("loss: PyTorch's on logits cut over tp makes the probabilities again: 4 bytes more in backward") {
  JobSpec job = sharded(loss_job(Framework::torch_fsdp), {.tp = 2});
  const std::int64_t cut = kLogits / 2;
  CHECK(block_saved(job, "head forward") == 4 * cut + kSmall);
  CHECK(block_peak(job, "head backward") == 14 * cut);
}

TEST_CASE("loss: cut cross-entropy holds a tile of logits and multiplies once more in backward") {
  JobSpec job =
      llama_job(llama_shaped(1, D, 32, 4, 4, V), {.sequence = 4096, .micro_batch = 1, .global_batch = 8});
  job.framework = Framework::torch_fsdp;
  const Estimate whole = estimate(job);
  job.training.loss.cut = true;
  const Estimate cut = estimate(job);
  CHECK(checked(job).name == job.name);
  CHECK(cut.step.model_flops == whole.step.model_flops);
  // 8 micro-batches of 4,096 tokens on one device: 2·T·V·D each.
  CHECK((cut.step.hardware_flops - whole.step.hardware_flops).value() == std::int64_t{8} * 2 * 4096 * V * D);
  // Four ranges of 1,024 tokens. Kept for backward: the norm's output, statistics of 4, 4 and 8 bytes, labels of 4.
  CHECK(block_saved(job, "head forward") == 4096 * (2 * D + 4 + 4 + 8 + 4));
  CHECK(block_peak(job, "head forward") < 4096 * (2 * D + 4 + 4 + 8 + 4) + 2 * 1024 * V + 4096 * 16);
}

TEST_CASE("loss: cut cross-entropy over tp combines the statistics of all tokens once, after the ranges") {
  JobSpec job =
      llama_job(llama_shaped(1, D, 32, 4, 4, V), {.sequence = 4096, .micro_batch = 1, .global_batch = 8});
  job.framework = Framework::torch_fsdp;
  job.training.loss.cut = true;
  const StepProgram program = checked(sharded(std::move(job), {.tp = 2}));
  // Of each token a maximum, then the sum of exponentials and the label's logit, in fp32.
  std::vector<Bytes> reduced;
  for (const Op& op : program.blocks[block_index(program, "head forward")].ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective != nullptr && op.component == Component::loss) reduced.push_back(collective->payload);
  }
  CHECK(reduced == std::vector<Bytes>{Bytes(4 * 4096), Bytes(8 * 4096)});
}
