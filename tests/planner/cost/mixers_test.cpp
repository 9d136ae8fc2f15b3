// Linear mixers, sparse attention and latent experts: FLOPs, bytes kept for backward and sharding, by hand.
#include <string>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/program/ops/scan_flops.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/planner/cost/law_jobs.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

using Int = std::int64_t;

// One layer of width 64 on 2 sequences of 64 tokens.
constexpr Int kTokens = 128;
constexpr Int kWidth = 64;

const std::string kModel =
    "layers: 1, hidden: 64, ffn_hidden: 256, heads: 8, kv_heads: 4, vocab: 256, vocab_multiple: 1";
const std::string kLatent =
    "attention: {kind: mla, q_rank: 32, kv_rank: 16, nope_head_dim: 8, rope_head_dim: 8, v_head_dim: 8, "
    "indexer: {heads: 4, head_dim: 16, top_k: 16}}";
const std::string kMamba =
    "{mamba2: {heads: 8, head_dim: 16, groups: 4, state_dim: 32, chunk: 16}, ffn: none}";
const std::string kNet =
    "{gated-delta-net: {key_heads: 4, value_heads: 8, key_head_dim: 16, value_head_dim: 16, chunk: 16}, ffn: "
    "none}";
const std::string kKimi = "{kimi-delta: {heads: 8, head_dim: 16, chunk: 16}, ffn: none}";

JobSpec job_of(const std::string& kind, const std::string& further = "",
               const std::string& parallelism = "tp: 1", const std::string& training = "") {
  const std::string text =
      "model: {" + kModel + (further.empty() ? "" : ", " + further) + ", layer_kinds: {a: " + kind +
      "}, pattern: [a]}\n" + "cluster: {accelerator: h100-80gb-sxm, nodes: 1}\nparallelism: {" + parallelism +
      "}\ntraining: {sequence_length: 64, global_batch: 16, micro_batch: 2" + training + "}\n";
  return parse_jobs(text, "job.yaml").front();
}

/// The forward block of the layer.
Block layer_of(const StepProgram& program) {
  for (const Block& block : program.blocks) {
    if (is_layer(block.kind)) return block;
  }
  return {};
}

/// FLOPs of the mixer in one micro-batch, forward.
Int forward_flops(const JobSpec& job) {
  return estimate(job).layer_kinds.front().attention.flops_forward.value();
}

/// Bytes that a layer's forward pass keeps, over those of its input, which is the output of the layer before.
Int saved(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    if (is_layer(program.blocks[b].kind)) return block_memory(program)[b].saved.value();
  }
  return 0;
}

/// The layer's output in bf16, the normalised input and its statistic in fp32.
constexpr Int kFrame = kTokens * (2 * kWidth + 2 * kWidth + 4);

}  // namespace

TEST_CASE("Mamba-2: FLOPs, and what its fused kernels keep") {
  // Columns: z 128, x 128, B and C 4 groups of 32 each, dt 8.
  constexpr Int kColumns = 128 + 128 + 2 * 4 * 32 + 8;
  // Per token: C·Bᵀ of 4 groups, over 32; its product with x of 8 heads of 16; states in and out, 32 × 16.
  constexpr Int kScan = 2 * 4 * 16 * 32 + 8 * (2 * 16 * 16 + 4 * 32 * 16);
  const JobSpec job = job_of(kMamba);
  CHECK(forward_flops(job) == kTokens * (2 * kWidth * kColumns + 2 * 128 * kWidth + kScan));
  // The input product, the scan's output, the norm's output and its statistic for each group. The convolution runs
  // again in backward.
  CHECK(saved(job) == kFrame + kTokens * (2 * kColumns + 2 * 128 + 2 * 128 + 4 * 4));
}

TEST_CASE("gated delta net: FLOPs, and what its kernels keep") {
  // q and k 4 heads of 16, v and z 8 heads of 16, beta and decay 8 each.
  constexpr Int kColumns = 2 * 64 + 2 * 128 + 2 * 8;
  // Per token and head of 16 × 16, chunks of 16: K·Kᵀ, W, Q·Kᵀ over keys; U and the output over values; W·S, K'ᵀ·U and
  // Q·S; the inverse of 16 × 16.
  constexpr Int kScan = 8 * (3 * 2 * 16 * 16 + 2 * 2 * 16 * 16 + 3 * 2 * 16 * 16) + 8 * (16 * 16 / 3);
  const JobSpec job = job_of(kNet);
  CHECK(forward_flops(job) == kTokens * (2 * kWidth * kColumns + 2 * 128 * kWidth + kScan));
  // The input product, q, k and v, the inverse of each chunk's square, the scan's output, the norm's output and its
  // statistic for each head.
  CHECK(saved(job) == kFrame + kTokens * (2 * kColumns + 2 * 256 + 2 * 8 * 16 + 2 * 128 + 2 * 128 + 4 * 8));
}

TEST_CASE("Kimi delta attention: FLOPs, and what its kernels keep") {
  constexpr Int kColumns = 3 * 128 + 8;
  constexpr Int kScan = 8 * (3 * 2 * 16 * 16 + 2 * 2 * 16 * 16 + 3 * 2 * 16 * 16) + 8 * (16 * 16 / 3);
  constexpr Int kLowRank = 2 * (kWidth * 16 + 16 * 128);  // decay and gate
  const JobSpec job = job_of(kKimi);
  CHECK(forward_flops(job) == kTokens * (2 * (kWidth * kColumns + kLowRank + 128 * kWidth) + kScan));
  // Also both low-rank rows, decay and gate; two squares of each chunk.
  CHECK(saved(job) == kFrame + kTokens * (2 * kColumns + 2 * 384 + 2 * 2 * 16 + 2 * 2 * 128 + 2 * 2 * 8 * 16 +
                                          2 * 128 + 2 * 128 + 4 * 8));
}

TEST_CASE("scans backward: the model counts twice forward, the kernels compute some products again") {
  const auto backward_of = [](const std::string& kind) {
    for (const Op& op : layer_of(build_step_program(job_of(kind))).ops) {
      if (const auto* scan = std::get_if<LinearScan>(&op.kind))
        return scan_flops(*scan, Phase::backward_input);
    }
    return OpFlops{};
  };
  // Mamba-2, per token: two products for each of C·Bᵀ (4 groups of 32), its product with x (8 heads of 16) and both
  // with the states of 32 × 16; then C·Bᵀ, the states and dY·Xᵀ once more.
  constexpr Int kScores = 2 * 4 * 16 * 32;
  constexpr Int kValues = 2 * 8 * 16 * 16;
  constexpr Int kState = 2 * 8 * 32 * 16;
  constexpr Int kForward = kScores + kValues + 2 * kState;
  CHECK(backward_of(kMamba).model.value() == kTokens * 2 * kForward);
  CHECK(backward_of(kMamba).executed.value() == kTokens * (2 * kForward + kScores + kState + kValues));
  // The delta rules, per token and head of 16 × 16 in chunks of 16, where squares over keys, over values and the
  // products with the state all take 2·16·16: ten, five and eight of them, and two products of 16 × 16 squares, which
  // take 2·16·16 each.
  constexpr Int kSquare = 2 * 16 * 16;
  constexpr Int kDelta = 8 * ((3 + 2 + 3) * kSquare + 16 * 16 / 3);
  for (const std::string& kind : {kNet, kKimi}) {
    CHECK(backward_of(kind).model.value() == kTokens * 2 * kDelta);
    CHECK(backward_of(kind).executed.value() == kTokens * 8 * (10 + 5 + 8 + 2) * kSquare);
  }
}

TEST_CASE("sparse attention: FLOPs of indexer, absorbed products and core") {
  const JobSpec job = job_of("{ffn: none}", kLatent);
  // Products: q latent, q of 8 heads of 16; kv latent, rotary key; k and v of 8 heads out of rank 16; output.
  constexpr Int kProducts =
      kWidth * 32 + 32 * 8 * 16 + kWidth * 16 + kWidth * 8 + 16 * 8 * (8 + 8) + 64 * kWidth;
  // The indexer: 4 query heads of 16 from the latent, one key head, 4 weights; scores of all 64 keys, 4 heads of 16
  // and their sum.
  constexpr Int kIndexer = 32 * 64 + kWidth * 16 + kWidth * 4;
  constexpr Int kScores = 2 * 64 * 4 * (16 + 1);
  // The core: 16 of 64 keys count as 2·16 − 16²/64 = 28; keys of 16 + 8 elements, values of 16.
  constexpr Int kCore = 2 * 8 * 28 * (24 + 16);
  CHECK(forward_flops(job) == kTokens * (2 * (kProducts + kIndexer) + kScores + kCore));
}

TEST_CASE("an indexer that chooses all keys lets the core see all of them") {
  std::string all = kLatent;
  all.replace(all.find("top_k: 16"), 9, "top_k: 64");
  std::string more = kLatent;
  more.replace(more.find("top_k: 16"), 9, "top_k: 99");
  CHECK(forward_flops(job_of("{ffn: none}", all)) == forward_flops(job_of("{ffn: none}", more)));
  // 16 of 64 keys leave out 64 − 28 of them, 8 heads, 24 + 16 elements.
  CHECK(forward_flops(job_of("{ffn: none}", all)) - forward_flops(job_of("{ffn: none}", kLatent)) ==
        kTokens * 2 * 8 * (64 - 28) * (24 + 16));
}

TEST_CASE("chunked attention costs what sequences of that length cost") {
  const auto core = [](const JobSpec& job) {
    const Block layer = layer_of(build_step_program(job));
    for (const Op& op : layer.ops) {
      if (const auto* attention = std::get_if<Attention>(&op.kind)) return attention->key;
    }
    return Int{0};
  };
  CHECK(core(job_of("{attention: {chunk: 16}, ffn: none}")) == 16);
  // 2 chunks of 24 and a rest of 16: (2·24² + 16²)/64 columns.
  CHECK(core(job_of("{attention: {chunk: 24}, ffn: none}")) == (2 * 24 * 24 + 16 * 16) / 64);
  CHECK(core(job_of("{attention: {chunk: 64}, ffn: none}")) == 64);
}

TEST_CASE("gates, values of another width and keys that are values, by their parameters") {
  const auto attention = [](const std::string& kind, const std::string& further = "") {
    return estimate(job_of("{attention: {" + kind + "}, ffn: none}", further)).parameters.attention.value();
  };
  constexpr Int kPlain = 64 * (64 + 2 * 32) + 64 * 64;  // 8 heads of 8, 4 kv heads
  CHECK(attention("rotary_dim: 4") == kPlain);
  CHECK(attention("gate: elementwise") == kPlain + 64 * 64);
  CHECK(attention("gate: headwise") == kPlain + 64 * 8);
  CHECK(attention("v_head_dim: 4") == 64 * (64 + 32 + 16) + 32 * 64);
  CHECK(attention("values_are_keys: true, v_norm: true", "qk_norm: true") == 64 * (64 + 32) + 64 * 64);
}

TEST_CASE("latent experts: parameters, and rows that the dispatch moves") {
  const auto job = [](const std::string& latent, Int ep) {
    return job_of(
        "{mixer: none}",
        "experts: {count: 8, per_token: 2, hidden: 32, shared_hidden: 16, shared_gate: true" + latent + "}",
        "tp: 1, dp: 8, ep: " + std::to_string(ep));
  };
  const auto ffn = [&](const std::string& latent) { return estimate(job(latent, 1)).parameters.ffn.value(); };
  constexpr Int kShared = 3 * 64 * 16 + 64;
  CHECK(ffn("") == 8 * 3 * 64 * 32 + kShared);
  CHECK(ffn(", latent: 16") == 8 * 3 * 16 * 32 + 2 * 64 * 16 + kShared);
  const auto sent = [&](const std::string& latent) {
    const Block layer = layer_of(build_step_program(job(latent, 8)));
    for (const Op& op : layer.ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->group == GroupKind::ep) return collective->payload.value();
    }
    return Int{0};
  };
  CHECK(sent("") == kTokens * 2 * 64 * 2);
  CHECK(sent(", latent: 16") == kTokens * 2 * 16 * 2);
}

TEST_CASE(
    "experts with norms of their own have three more norms, a router's scale and a scale for each expert") {
  const auto total = [](const std::string& own) {
    return estimate(job_of("{mixer: none}",
                           "norms_per_layer: 4, experts: {count: 8, per_token: 2, hidden: 32, "
                           "shared_hidden: 16" +
                               own + "}"))
        .parameters.total.value();
  };
  CHECK(total(", own_norms: true") - total("") == 3 * 64 + 64 + 8);
}

TEST_CASE("laws: every mixer's program is sound, and its shards add up to the unsharded one") {
  struct Kind {
    std::string kind;
    std::string further;
  };
  const std::vector<Kind> kinds{
      {kMamba, ""},
      {kNet, ""},
      {kKimi, ""},
      {"{ffn: none}", kLatent},
      {"{attention: {gate: headwise, indexer: {kind: block, heads: 4, head_dim: 16, top_k: 16, "
       "block: 8}}, ffn: none}",
       ""},
      {"{attention: {gate: elementwise, rotary_dim: 4, v_head_dim: 4}}", ""},
      {"{attention: {values_are_keys: true, v_norm: true}}", "qk_norm: true"},
      {"{ffn: experts}",
       "norms_per_layer: 4, experts: {count: 8, per_token: 2, hidden: 32, shared_hidden: 16, "
       "shared_gate: true, own_norms: true, latent: 16}"}};
  const std::vector<std::string> degrees{"tp: 1, dp: 8", "tp: 2, dp: 4, sequence_parallel: true",
                                         "tp: 4, dp: 2, sequence_parallel: true, zero: 3",
                                         "tp: 2, cp: 2, dp: 2, sequence_parallel: true, cp_style: all-gather",
                                         "tp: 1, cp: 2, dp: 4, zero: 1"};
  for (const Kind& kind : kinds) {
    const Estimate whole = estimate(job_of(kind.kind, kind.further, "tp: 1, dp: 8"));
    for (const std::string& degree : degrees) {
      for (const char* const recompute : {"none", "selective", "full"}) {
        INFO(kind.kind << " on " << degree << ", recompute " << recompute);
        const JobSpec job = job_of(kind.kind, kind.further, degree, std::string(", recompute: ") + recompute);
        const StepProgram program = build_step_program(job);
        CHECK(check_program(program) == std::vector<std::string>{});
        CHECK(to_json(program_from_json(to_json(program))) == to_json(program));
        const Estimate sharded = estimate(job, program);
        CHECK(sharded.parameters.total == whole.parameters.total);
        CHECK(sharded.step.model_flops == whole.step.model_flops);
      }
    }
  }
}

TEST_CASE("tensor parallelism divides what a linear mixer keeps") {
  for (const std::string& kind : {kMamba, kNet, kKimi}) {
    INFO(kind);
    const Int whole = saved(job_of(kind));
    const Int sharded = saved(job_of(kind, "", "tp: 4, dp: 2, sequence_parallel: true"));
    CHECK(sharded * 4 == whole);
  }
}

namespace {

/// Payloads of the cp group's all-to-alls in the layer's forward pass.
std::vector<Int> exchanged_over_cp(const JobSpec& job) {
  std::vector<Int> payloads;
  for (const Op& op : layer_of(build_step_program(job)).ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective == nullptr || collective->group != GroupKind::cp) continue;
    CHECK(collective->kind == CollectiveKind::all_to_all);
    payloads.push_back(collective->payload.value());
  }
  return payloads;
}

}  // namespace

TEST_CASE("context parallelism of linear mixers exchanges tokens for heads, and back") {
  const std::string half = "tp: 1, cp: 2, dp: 4";
  // Columns of the input product as above, of all 128 tokens and half of the heads, in 2 bytes; back come 64 tokens
  // of all 128 columns.
  constexpr Int kBack = 64 * 128 * 2;
  CHECK(exchanged_over_cp(job_of(kMamba, "", half)) == std::vector<Int>{128 * 520 / 2 * 2, kBack});
  CHECK(exchanged_over_cp(job_of(kNet, "", half)) == std::vector<Int>{128 * 400 / 2 * 2, kBack});
  // q, k, v and beta; the decay and the gate come out of products of their own.
  CHECK(exchanged_over_cp(job_of(kKimi, "", half)) ==
        std::vector<Int>{128 * 392 / 2 * 2, 128 * 128 / 2 * 2, 128 * 128 / 2 * 2, kBack});
  // Of 4 groups on tp 2, each tp rank has 2; each goes to 2 of its 4 cp ranks, so that a rank receives a whole group,
  // B and C of 32 columns, beside an eighth of z, x and dt. It sends 32 tokens of 260 columns, which is less.
  CHECK(exchanged_over_cp(job_of(kMamba, "", "tp: 2, cp: 4, sequence_parallel: true")) ==
        std::vector<Int>{128 * ((128 + 128 + 8) / 8 + 2 * 32) * 2, 32 * 64 * 2});
}

TEST_CASE("context parallelism divides what a linear mixer keeps; Mamba-2's norm keeps its input as well") {
  const std::string half = "tp: 1, cp: 2, dp: 4";
  for (const std::string& kind : {kNet, kKimi})
    CHECK(2 * saved(job_of(kind, "", half)) == saved(job_of(kind)));
  // The gate's output comes back to the rank's own tokens, where the norm reads it.
  CHECK(2 * (saved(job_of(kMamba, "", half)) - 64 * 2 * 128) == saved(job_of(kMamba)));
}

TEST_CASE("context parallelism divides the scan's heads, not its sequence") {
  for (const std::string& kind : {kMamba, kNet, kKimi}) {
    const Block layer = layer_of(build_step_program(job_of(kind, "", "tp: 1, cp: 2, dp: 4")));
    for (const Op& op : layer.ops) {
      const auto* scan = std::get_if<LinearScan>(&op.kind);
      if (scan == nullptr) continue;
      CHECK(scan->positions == 64);
      CHECK(scan->heads == 4);
      CHECK(scan->key_heads == (kind == kKimi ? 4 : 2));
    }
  }
}

TEST_CASE("a linear mixer's heads and groups must divide") {
  const auto says = [](const std::string& kind, const std::string& parallelism, const std::string& text) {
    INFO(kind << " on " << parallelism);
    std::string found;
    try {
      job_of(kind, "", parallelism);
    } catch (const SpecError& error) {
      found = format_diagnostics(error.diagnostics());
    }
    CHECK_THAT(found, ContainsSubstring(text));
  };
  says(kMamba, "tp: 8, dp: 1", "8 does not divide the 4 groups of mamba2");
  says("{mamba2: {heads: 12, head_dim: 16, groups: 4, state_dim: 32}, ffn: none}", "tp: 1, cp: 8",
       "each of tp 1 × cp 8 ranks gets whole heads, and mamba2 has 12");
  says("{mamba2: {heads: 24, head_dim: 16, groups: 3, state_dim: 32}, ffn: none}", "tp: 1, cp: 8",
       "the 3 groups of mamba2 on a tp rank do not go evenly to 8 cp ranks");
  says(kNet, "tp: 1, cp: 8",
       "the 4 key heads of gated-delta-net on a tp rank do not go evenly to 8 cp ranks");
  CHECK_NOTHROW(job_of(kMamba, "", "tp: 1, cp: 8"));  // each group goes to two ranks
}

TEST_CASE("gpt-oss 20B at 131,072 tokens: windows leave half of the attention time") {
  const auto attention_time = [](const std::string& model) {
    const std::string job = "model: " + model +
                            "\ncluster: {accelerator: h100-80gb-sxm, nodes: 16}\n"
                            "parallelism: {tp: 8, sequence_parallel: true, ep: 8, zero: 1}\n"
                            "training: {sequence_length: 131072, global_batch: 16, micro_batch: 1}\n";
    return estimate(parse_jobs(job, "job.yaml").front()).step.detail.attention_core;
  };
  const double share =
      attention_time("gpt-oss-20b") /
      attention_time("{name: gpt-oss-20b, layer_kinds: {local: {attention: {window: none}}}}");
  CHECK(share > 0.5);
  CHECK(share < 0.52);
}
