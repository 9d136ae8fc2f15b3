// FLOPs of a step as sums over its program, against the closed formulas of the literature.
#include "planner/cost/step/estimate.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

FlopsTotal flops(std::int64_t count) { return FlopsTotal(count); }

// A small GPT: l 4, h 64, a 8, V 1024 (no padding up to tp 8), s 32, B 12.
constexpr std::int64_t kLayers = 4, kHidden = 64, kVocab = 1024, kSequence = 32, kBatch = 12;
constexpr std::int64_t kTokens = kBatch * kSequence;

JobSpec small_gpt() {
  return gpt_job(gpt_shaped(kLayers, kHidden, 8, kVocab),
                 {.sequence = kSequence, .micro_batch = 2, .global_batch = kBatch});
}

// 72·B·s·l·h²·(1 + s/(6h) + V/(12·l·h)), multiplied out.
constexpr std::int64_t kGptModel =
    kTokens * (72 * kLayers * kHidden * kHidden + 12 * kLayers * kSequence * kHidden + 6 * kVocab * kHidden);
// 96·B·s·l·h²·(1 + s/(6h) + V/(16·l·h)): every layer runs forward once more.
// Narayanan et al. 2021, arXiv:2104.04473, section 5.1.
constexpr std::int64_t kGptRecomputed =
    kTokens * (96 * kLayers * kHidden * kHidden + 16 * kLayers * kSequence * kHidden + 6 * kVocab * kHidden);

const Degrees kShardings[] = {
    {},
    {.tp = 2},
    {.tp = 8, .sequence_parallel = true},
    {.pp = 4},
    {.dp = 6},
    {.dp = 6, .zero = 1},
    {.tp = 2, .dp = 3, .zero = 2},
    {.tp = 4, .pp = 2, .dp = 2, .sequence_parallel = true, .zero = 3},
};

}  // namespace

TEST_CASE("FLOPs: GPT's closed formula, whatever the sharding") {
  for (const Degrees& degrees : kShardings) {
    INFO("tp " << degrees.tp << " pp " << degrees.pp << " dp " << degrees.dp << " zero " << degrees.zero);
    JobSpec job = sharded(small_gpt(), degrees);
    const Estimate plain = estimate(job);
    CHECK(plain.step.model_flops == flops(kGptModel));
    CHECK(plain.step.hardware_flops == flops(kGptModel));
    CHECK(plain.flops_per_token.training == Flops(kGptModel / kTokens));
    CHECK(plain.flops_per_token.forward == Flops(kGptModel / kTokens / 3));

    job.training.recompute = Recompute::full;
    const Estimate recomputed = estimate(job);
    CHECK(recomputed.step.model_flops == flops(kGptModel));
    CHECK(recomputed.step.hardware_flops == flops(kGptRecomputed));

    // The attention core alone: scores and values, 4·s·h per token and layer.
    job.training.recompute = Recompute::selective;
    const Estimate selective = estimate(job);
    CHECK(selective.step.model_flops == flops(kGptModel));
    CHECK(selective.step.hardware_flops == flops(kGptModel + kTokens * kLayers * 4 * kSequence * kHidden));
  }
}

TEST_CASE("FLOPs: flash attention multiplies the scores once more in backward") {
  // Backward runs five products of 2·s·h FLOPs per token and layer where model FLOPs count four (Dao et al.
  // 2022, arXiv:2205.14135).
  constexpr std::int64_t kScoresAgain = kTokens * kLayers * 2 * kSequence * kHidden;
  for (const Degrees& degrees : kShardings) {
    JobSpec job = sharded(small_gpt(), degrees);
    job.training.attention = AttentionKind::flash;
    CHECK(estimate(job).step.model_flops == flops(kGptModel));
    CHECK(estimate(job).step.hardware_flops == flops(kGptModel + kScoresAgain));
    job.training.recompute = Recompute::full;
    CHECK(estimate(job).step.hardware_flops == flops(kGptRecomputed + kScoresAgain));
  }
}

TEST_CASE("FLOPs: a framework that stops recomputing early leaves out the layer's last product") {
  JobSpec job = small_gpt();
  job.framework = Framework::torch_fsdp;
  job.training.recompute = Recompute::full;
  // PyTorch before 2.1, whose models had LayerNorm, reran all of it.
  CHECK(estimate(job).step.hardware_flops == flops(kGptRecomputed));
  job.model.norm = NormKind::rmsnorm;
  // down: 2·4h·h per token and layer
  CHECK(estimate(job).step.hardware_flops ==
        flops(kGptRecomputed - kTokens * kLayers * 2 * 4 * kHidden * kHidden));
}

TEST_CASE("FLOPs: Llama with grouped queries and SwiGLU") {
  // L 2, D 128, F 352, A 8, G 2, d 16, V 512, s 64
  constexpr std::int64_t kLayer = 4 * 128 * 16 * (8 + 2) + 6 * 128 * 352;
  constexpr std::int64_t kCore = 4 * 64 * 8 * 16;
  constexpr std::int64_t kForward = 2 * (kLayer + kCore) + 2 * 128 * 512;
  JobSpec job =
      llama_job(llama_shaped(2, 128, 352, 8, 2, 512), {.sequence = 64, .micro_batch = 1, .global_batch = 4});
  job.model.vocab_multiple = 64;
  for (const Degrees& degrees : {Degrees{}, Degrees{.tp = 2, .pp = 2},
                                 Degrees{.tp = 8, .dp = 2, .sequence_parallel = true, .zero = 3}}) {
    const Estimate found = estimate(sharded(job, degrees));
    CHECK(found.flops_per_token.forward == Flops(kForward));
    CHECK(found.flops_per_token.training == Flops(3 * kForward));
    CHECK(found.step.model_flops == flops(3 * kForward * 4 * 64));
    // One layer of one micro-batch, attention with its core.
    CHECK(found.attention.flops_forward == Flops(64 * (4 * 128 * 16 * (8 + 2) + kCore)));
    CHECK(found.attention.flops_backward == 2 * found.attention.flops_forward);
    CHECK(found.ffn.flops_forward == Flops(64 * 6 * 128 * 352));
    CHECK(found.ffn.flops_backward == 2 * found.ffn.flops_forward);
  }
}

TEST_CASE("FLOPs: kv heads that stand on several ranks are hardware, not model FLOPs") {
  // G 2 on 8 ranks: k and v of 8 heads are computed, 6 too many; forward and backward 6·D·d per head and
  // token.
  JobSpec job =
      llama_job(llama_shaped(2, 128, 352, 8, 2, 512), {.sequence = 64, .micro_batch = 1, .global_batch = 4});
  job.model.vocab_multiple = 64;
  const Estimate alone = estimate(job);
  const Estimate wide = estimate(sharded(job, {.tp = 8}));
  CHECK(wide.step.model_flops == alone.step.model_flops);
  CHECK(wide.step.hardware_flops ==
        alone.step.hardware_flops + flops(std::int64_t{4} * 64 * 2 * (2 * 6 * 6 * 128 * 16)));
}

TEST_CASE("FLOPs: a causal mask halves the attention core and nothing else") {
  JobSpec job = small_gpt();
  constexpr std::int64_t kCore = kTokens * 12 * kLayers * kSequence * kHidden;
  const Estimate causal = estimate(job);
  CHECK(causal.step.model_flops_causal == flops(kGptModel - kCore / 2));
  CHECK(causal.flops_per_token.training_causal == Flops((kGptModel - kCore / 2) / kTokens));
  job.model.causal = false;
  const Estimate full = estimate(job);
  CHECK(full.step.model_flops == flops(kGptModel));
  CHECK(full.step.model_flops_causal == full.step.model_flops);
}

TEST_CASE("FLOPs: a tied table multiplies as a head of its own does") {
  JobSpec job = small_gpt();
  const FlopsTotal tied = estimate(job).step.model_flops;
  job.model.tied_embeddings = false;
  CHECK(estimate(job).step.model_flops == tied);
}

TEST_CASE("FLOPs: vocabulary padding runs on the hardware and never counts in the model") {
  // 1000 rows are padded to 1024 on one rank and to 1024 = 128·8 on eight; 6·h per row and token.
  JobSpec job = small_gpt();
  job.model.vocab = 1000;
  constexpr std::int64_t kExpected = kGptModel - kTokens * 6 * 24 * kHidden;
  for (const Degrees& degrees : kShardings) {
    const Estimate found = estimate(sharded(job, degrees));
    CHECK(found.vocab_padding == 24);
    CHECK(found.step.model_flops == flops(kExpected));
    CHECK(found.step.hardware_flops == flops(kGptModel));
  }
}

TEST_CASE("FLOPs: MFU and HFU are FLOPs over what the devices could have done") {
  JobSpec job = sharded(small_gpt(), {.tp = 2, .dp = 2});
  job.training.recompute = Recompute::full;
  const StepFigures step = estimate(job).step;
  // Four devices of 1 PFLOP/s.
  const double could = step.time.value() * 4 * 1e15;
  CHECK(step.mfu == Approx(static_cast<double>(kGptModel) / could).epsilon(1e-12));
  CHECK(step.hfu == Approx(static_cast<double>(kGptRecomputed) / could).epsilon(1e-12));
}
