// DeepSeek-V4: attention over compressed keys, hyper-connections and hash routing: parameters, FLOPs, bytes kept for
// backward and what is refused, by hand.
#include <cmath>
#include <string>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

using Int = std::int64_t;

// One layer of width 64 with 4 streams, 8 heads of 16, on 2 sequences of 64 tokens; a window of 8.
constexpr Int kTokens = 128;
constexpr Int kWidth = 64;
constexpr Int kStreams = 4;
constexpr Int kHeads = 8 * 16;

const std::string kModel =
    "layers: 1, hidden: 64, ffn_hidden: 256, heads: 8, kv_heads: 1, head_dim: 16, vocab: 256, "
    "vocab_multiple: 1, "
    "window: 8, hyper_connections: {streams: 4}, "
    "attention: {kind: compressed, q_rank: 32, rope_head_dim: 8, output_rank: 8, output_groups: 4}";
const std::string kLocal = "{ffn: none}";
const std::string kHeavy = "{attention: {compression: 16}, ffn: none}";
const std::string kSparse =
    "{attention: {compression: 4, indexer: {heads: 4, head_dim: 8, top_k: 8}}, ffn: none}";

std::string text_of(const std::string& kind, const std::string& further = "",
                    const std::string& parallelism = "tp: 1", const std::string& training = "") {
  return "model: {" + kModel + (further.empty() ? "" : ", " + further) + ", layer_kinds: {a: " + kind +
         "}, pattern: [a]}\ncluster: {accelerator: h100-80gb-sxm, nodes: 1}\nparallelism: {" + parallelism +
         "}\ntraining: {sequence_length: 64, global_batch: 16, micro_batch: 2" + training + "}\n";
}

JobSpec job_of(const std::string& kind, const std::string& further = "") {
  return parse_jobs(text_of(kind, further), "job.yaml").front();
}

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

/// Latent queries, queries, the key head, each group's product and the output product: multiply-adds of a token.
constexpr Int kProducts = kWidth * 32 + 32 * kHeads + kWidth * 16 + (kHeads / 4) * (4 * 8) + (4 * 8) * kWidth;

/// The core's FLOPs per token: keys and values are the same 16 elements of each of 8 heads.
constexpr Int core(Int keys) { return 2 * 8 * keys * (16 + 16); }

// A window of 8 in 64 counts as 2·8 − 8²/64 keys.
constexpr Int kOfWindow = 15;

/// What one layer without compression keeps, bytes per token.
constexpr Int kKeptLocal = 2 * kStreams * kWidth      // the layer's output
                           + 4 * 24 + 4 * 24          // logits and weights of the mixing: 4 + 4 + 16
                           + 2 * kWidth               // the row that is read
                           + 2 * kWidth + 4           // its norm, and the statistic
                           + 2 * 16 + 2 * 16 + 4      // the key, and its norm
                           + 2 * 32 + 2 * 32 + 4      // the latent of queries, and its norm
                           + 2 * kHeads + 2 * kHeads  // queries, and each head divided by its rms
                           + 4 * 8                    // these rms
                           + 2 * kHeads + 4 * 8       // the core's output and its row sums
                           + 2 * 4 * 8                // what the groups' products make
                           + 2 * kWidth;  // the sublayer's output, which the streams' mixing reads again

}  // namespace

TEST_CASE("attention over compressed keys: FLOPs of window, heavy and sparse layers") {
  CHECK(forward_flops(job_of(kLocal)) == kTokens * (2 * kProducts + core(kOfWindow)));
  // Keys and their weights of width 16 from each token; all of the 64/16 compressed keys are seen.
  CHECK(forward_flops(job_of(kHeavy)) == kTokens * (2 * (kProducts + 2 * kWidth * 16) + core(kOfWindow + 4)));
  // Twice as wide, because they overlap. The indexer: 4 query heads of 8 from the latent, keys and their weights of
  // twice 8, a weight for each head; it scores 64/4 keys with 4 heads of 8 and sums over them. 8 of these 16 are
  // seen: 2·8 − 8²/16.
  constexpr Int kIndexer = 32 * 4 * 8 + 2 * kWidth * 2 * 8 + kWidth * 4;
  constexpr Int kScores = 2 * 16 * 4 * (8 + 1);
  CHECK(forward_flops(job_of(kSparse)) ==
        kTokens * (2 * (kProducts + 2 * kWidth * 2 * 16 + kIndexer) + kScores + core(kOfWindow + 12)));
}

TEST_CASE("an indexer that chooses all compressed keys sees what a layer without one does") {
  std::string all = kSparse;
  all.replace(all.find("top_k: 8"), 8, "top_k: 16");
  // All 16 keys instead of 12.
  CHECK(forward_flops(job_of(all)) - forward_flops(job_of(kSparse)) == kTokens * core(16 - 12));
}

TEST_CASE("attention over compressed keys: what is kept for backward") {
  CHECK(saved(job_of(kLocal)) == kTokens * kKeptLocal);
  // What is pooled and its weights, for each token; for each of 128/16 compressed keys the mean, its norm and the
  // norm's statistic.
  CHECK(saved(job_of(kHeavy)) == kTokens * (kKeptLocal + 2 * 2 * 16) + 128 / 16 * (2 * 16 + 2 * 16 + 4));
  // Twice as wide, of 128/4 keys; the same of the indexer's keys of 8; its queries, weights, and 8 numbers of keys.
  CHECK(saved(job_of(kSparse)) ==
        kTokens * (kKeptLocal + 2 * 2 * 2 * 16 + 2 * 2 * 2 * 8 + 2 * 4 * 8 + 2 * 4 + 4 * 8) +
            128 / 4 * (2 * 16 + 2 * 16 + 4 + 2 * 8 + 2 * 8 + 4));
}

TEST_CASE("hyper-connections: parameters, products and the bytes of their passes") {
  const JobSpec job = job_of(kLocal);
  const Estimate estimated = estimate(job);
  // Around the mixer n·(n + 2) weights from n·64 elements, as many biases and 3 scales; before the head n of them.
  CHECK(estimated.parameters.hyper.value() == 24 * 4 * kWidth + 24 + 3 + 4 * 4 * kWidth + 4 + 1);
  const Int products = 2 * (24 * 4 * kWidth + 4 * 4 * kWidth);
  CHECK(estimated.flops_per_token.forward.value() ==
        forward_flops(job) / kTokens + products + 2 * kWidth * 256);
  const StepProgram program = build_step_program(job);
  for (const Block& block : program.blocks) {
    if (!is_layer(block.kind) || block.pass != Pass::forward) continue;
    for (const Op& op : block.ops) {
      const auto* pass = std::get_if<Pointwise>(&op.kind);
      if (pass == nullptr || pass->kind != PointwiseKind::write_streams) continue;
      Int bytes = 0;
      for (const Operand& operand : op.operands)
        bytes += program.tensor(operand.tensor).local_bytes().value();
      // Weights in fp32, the streams, the output of the sublayer, the streams again.
      CHECK(bytes == kTokens * (4 * 24 + 2 * 4 * kWidth + 2 * kWidth + 2 * 4 * kWidth));
    }
  }
}

TEST_CASE("programs of compressed attention and streams are sound, and are read back as they were") {
  const std::string moe =
      "experts: {count: 8, per_token: 2, hidden: 32, shared_hidden: 32, score_bias: true}, mtp: {layers: 1}";
  for (const std::string& kind :
       {kLocal, kHeavy, kSparse,
        std::string("{ffn: experts, routing: hash, attention: {compression: 16}}")}) {
    const StepProgram program =
        build_step_program(job_of(kind, kind.find("hash") == std::string::npos ? "" : moe));
    CHECK(check_program(program).empty());
    CHECK(to_json(program_from_json(to_json(program))) == to_json(program));
  }
}

TEST_CASE("layers with hash routing have no score bias, and their router all the same") {
  const auto router = [](const std::string& kind) {
    return estimate(job_of(kind, "experts: {count: 8, per_token: 2, hidden: 32, score_bias: true}"))
        .parameters.router.value();
  };
  CHECK(router("{ffn: experts}") == 8 * kWidth + 8);
  CHECK(router("{ffn: experts, routing: hash}") == 8 * kWidth);
}

TEST_CASE("multi-token prediction projects every stream") {
  const auto training = [](const std::string& mtp) {
    return estimate(job_of(kLocal, mtp)).flops_per_token.forward.value();
  };
  const JobSpec job = job_of(kLocal, "mtp: {layers: 1}");
  const ParameterCounts counts = estimate(job).parameters;
  const ParameterCounts without = estimate(job_of(kLocal)).parameters;
  // The layer: products, three norms, sinks, the mixing. Then both projections, three norms, and the mixing before
  // the module's head.
  const Int layer = kProducts + kWidth + 32 + 16 + 8 + 24 * 4 * kWidth + 27;
  CHECK(counts.mtp.value() == layer + 2 * kWidth * kWidth + 3 * kWidth + 4 * 4 * kWidth + 5);
  CHECK(counts.total.value() - without.total.value() == counts.mtp.value());
  // Its layer; one row of the next token and 4 of the streams; the mixing before the head; the head.
  CHECK(training("mtp: {layers: 1}") - training("causal: true") ==
        2 * kProducts + core(kOfWindow) + 2 * 24 * 4 * kWidth + 2 * (1 + 4) * kWidth * kWidth +
            2 * 4 * 4 * kWidth + 2 * kWidth * 256);
}

TEST_CASE("the stages of a pipeline send all streams") {
  const auto sent = [](const std::string& streams) {
    std::string text = text_of("{attention: {compression: 16}, ffn: none}", "", "tp: 1, pp: 2, dp: 4");
    text.replace(text.find("layers: 1,"), 10, "layers: 2,");
    const std::string key = "hyper_connections: {streams: 4}, ";
    text.replace(text.find(key), key.size(), streams);
    for (const Block& block : build_step_program(parse_jobs(text, "job.yaml").front()).blocks) {
      for (const Op& op : block.ops) {
        if (const auto* send = std::get_if<Send>(&op.kind)) return send->payload.value();
      }
    }
    return Int{0};
  };
  CHECK(sent("hyper_connections: {streams: 4}, ") == kTokens * 2 * 4 * kWidth);
  CHECK(sent("") == kTokens * 2 * kWidth);
}

TEST_CASE("DeepSeek-V4: parameters to the last digit, and as published") {
  struct Sizes {
    std::string name;
    Int layers, d, heads, q_rank, groups, experts, hidden, sparse, heavy;
    double total, active;
  };
  const std::vector<Sizes> known{
      // 43 layers: 2 see a window alone, then 4 and 128 take turns; 284B and 13B.
      {"deepseek-v4-flash", 43, 4096, 64, 1024, 8, 256, 2048, 21, 20, 284, 13},
      // 61 layers: two of 128, then 4 and 128 take turns; 1.6T and 49B.
      {"deepseek-v4-pro", 61, 7168, 128, 1536, 16, 384, 3072, 30, 31, 1600, 49},
  };
  for (const Sizes& s : known) {
    INFO(s.name);
    // q down, its norm, q up; the key and its norm; the groups' products, the output; sinks.
    const Int attention = s.d * s.q_rank + s.q_rank + s.q_rank * s.heads * 512 + s.d * 512 + 512 +
                          s.heads * 512 * 1024 + s.groups * 1024 * s.d + s.heads;
    // Keys and weights, a bias for each position, the norm. With an indexer twice as wide, and the same for its keys
    // of 128, 64 query heads and a weight for each.
    const Int heavy = 2 * s.d * 512 + 128 * 512 + 512;
    const Int sparse =
        2 * s.d * 1024 + 4 * 1024 + 512 + 2 * s.d * 256 + 4 * 256 + 128 + s.q_rank * 64 * 128 + s.d * 64;
    const Int mixing = 24 * 4 * s.d + 24 + 3;
    const Int before_head = 4 * 4 * s.d + 4 + 1;
    const Int expert = 3 * s.d * s.hidden;
    // Two norms and two mixings, the router, the shared expert; of the experts six are active. The first three layers
    // have no score bias.
    const auto layer = [&](Int routed) {
      return attention + 2 * s.d + 2 * mixing + s.experts * s.d + (1 + routed) * expert;
    };
    const auto whole = [&](Int routed) {
      return s.layers * layer(routed) + s.sparse * sparse + s.heavy * heavy + (s.layers - 3) * s.experts +
             2 * 129280 * s.d + s.d + before_head;
    };
    const Int mtp = layer(s.experts) + s.experts + 2 * s.d * s.d + 3 * s.d + before_head;
    const std::string job = "model: " + s.name +
                            "\ncluster: {accelerator: h100-80gb-sxm, nodes: 1, devices_per_node: 1}\n"
                            "training: {sequence_length: 4096, global_batch: 1, micro_batch: 1}\n";
    const ParameterCounts found = estimate(parse_jobs(job, "job.yaml").front()).parameters;
    CHECK(found.mtp.value() == mtp);
    CHECK(found.total.value() == whole(s.experts) + mtp);
    CHECK(found.active.value() == whole(6));
    CHECK(found.active_computed.value() == whole(6) - 129280 * s.d);
    // As published, rounded: without the module, and without the embedding in the active count.
    CHECK(std::abs(static_cast<double>(whole(s.experts)) / 1e9 - s.total) < (s.total > 1000 ? 50 : 0.5));
    CHECK(std::abs(static_cast<double>(whole(6) - 129280 * s.d) / 1e9 - s.active) < 0.5);
  }
}

TEST_CASE("attention over compressed keys and streams: what is illegal, and why") {
  const auto complaint = [](const std::string& kind, const std::string& parallelism,
                            const std::string& training = "", const std::string& further = "") {
    std::string found;
    try {
      for (const Illegality& illegality :
           find_illegalities(parse_jobs(text_of(kind, further, parallelism, training), "job.yaml").front()))
        found += illegality.path + ": " + illegality.message + "\n";
    } catch (const SpecError& error) {
      for (const Diagnostic& d : error.diagnostics()) found += d.path + ": " + d.message + "\n";
    }
    return found;
  };
  CHECK(complaint(kSparse, "tp: 1").empty());
  CHECK_THAT(complaint(kSparse, "tp: 2"), ContainsSubstring("is not cut over tp: all heads share the keys"));
  CHECK(complaint(kSparse, "tp: 1, cp: 2").empty());
  CHECK_THAT(complaint(kSparse, "tp: 1, cp: 2, cp_style: ulysses"),
             ContainsSubstring("compressed keys are one head"));
  CHECK_THAT(complaint("{attention: {window: 16}, ffn: none}", "tp: 1, cp: 8"),
             ContainsSubstring("fewer than the window of 16"));
  CHECK_THAT(complaint("{attention: {compression: 32}, ffn: none}", "tp: 1, cp: 4"),
             ContainsSubstring("do not divide into compressed keys of 32 tokens each on every cp rank"));
  CHECK_THAT(complaint("{attention: {compression: 48}, ffn: none}", "tp: 1"),
             ContainsSubstring("64 tokens do not divide into compressed keys of 48 tokens"));
  CHECK_THAT(complaint(kHeavy, "tp: 1", ", recompute: selective"), ContainsSubstring("not recomputed alone"));
  CHECK_THAT(complaint(kHeavy, "tp: 1", ", dropout: true"), ContainsSubstring("without dropout"));
  CHECK_THAT(complaint("{attention: {indexer: {heads: 4, head_dim: 8, top_k: 8}}, ffn: none}", "tp: 1"),
             ContainsSubstring("an indexer chooses compressed keys, and there are none"));
  CHECK_THAT(complaint("{attention: {heads: 4}, ffn: none}", "tp: 1"),
             ContainsSubstring("no such key in a kind"));
  CHECK_THAT(complaint("{ffn: dense, routing: hash}", "tp: 1"),
             ContainsSubstring("this kind has no experts"));
}
