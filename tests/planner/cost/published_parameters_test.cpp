// The parameters of the bundled models whose layers go beyond one kind of softmax attention: counted here from the
// published architectures, compared to the last digit, and held against the published figures as those are rounded.
#include <cmath>
#include <string>
#include <vector>

#include "planner/cost/step/estimate.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

using Int = std::int64_t;

/// Total and active parameters of a part of a model.
struct Both {
  Int total = 0;
  Int active = 0;
};
Both operator+(Both a, Both b) { return {a.total + b.total, a.active + b.active}; }
Both operator*(Int n, Both a) { return {n * a.total, n * a.active}; }
Both all(Int n) { return {n, n}; }

/// Grouped-query attention: q, k, v and output; a gate of as many rows as q; norms of q and k heads.
Both gqa(Int d, Int heads, Int kv, Int head, Int further = 0) {
  return all(2 * d * heads * head + 2 * d * kv * head + further);
}
/// Latent attention with its two latent norms.
Both mla(Int d, Int heads, Int q_rank, Int rank, Int nope, Int rope, Int v) {
  const Int q = q_rank > 0 ? d * q_rank + q_rank + q_rank * heads * (nope + rope) : d * heads * (nope + rope);
  return all(q + d * (rank + rope) + rank + rank * heads * (nope + v) + heads * v * d);
}
/// Queries from the latent, one key head with a LayerNorm, a weight for each head.
Both indexer(Int d, Int q_rank, Int heads, Int head) {
  return all(q_rank * heads * head + d * head + 2 * head + d * heads);
}
/// z, x, B, C and dt; a convolution with bias over x, B and C; A, D and dt_bias; the gated norm; the output.
Both mamba(Int d, Int heads, Int head, Int groups, Int state) {
  const Int inner = heads * head;
  const Int conv = inner + 2 * groups * state;
  return all(d * (inner + conv + heads) + 4 * conv + conv + 3 * heads + inner + inner * d);
}
/// q, k, v, z, beta and decay; a convolution over q, k and v; A and dt_bias; the norm of one head; the output.
Both delta_net(Int d, Int key_heads, Int value_heads, Int head) {
  const Int keys = key_heads * head;
  const Int values = value_heads * head;
  return all(d * (2 * keys + 2 * values + 2 * value_heads) + 4 * (2 * keys + values) + 2 * value_heads +
             head + values * d);
}
/// q, k, v and beta; three convolutions; low-rank decay and gate; A for each head, dt_bias for each channel.
Both kimi_delta(Int d, Int heads, Int head) {
  const Int width = heads * head;
  return all(d * (3 * width + heads) + 4 * 3 * width + 2 * (d * head + head * width) + heads + width + head +
             width * d);
}
struct Experts {
  Int count = 0;
  Int per_token = 0;
  Int hidden = 0;
  Int shared = 0;
  Int matrices = 3;
  Int latent = 0;
  bool score_bias = true;
  bool shared_gate = false;
};
Both moe(Int d, const Experts& e) {
  const Int width = e.latent > 0 ? e.latent : d;
  const Int expert = e.matrices * width * e.hidden;
  const Int common = d * e.count + (e.score_bias ? e.count : 0) + e.matrices * d * e.shared +
                     (e.shared_gate ? d : 0) + (e.latent > 0 ? 2 * d * e.latent : 0);
  return {common + e.count * expert, common + e.per_token * expert};
}
/// gpt-oss: biases of the projections, the router and the experts, a sink for each head.
Both gpt_oss_layer(Int experts) {
  constexpr Int d = 2880;
  const Both attention = gqa(d, 64, 8, 64, (64 + 2 * 8) * 64 + d + 64);
  const Int expert = 3 * d * d + 3 * d;
  return attention + Both{d * experts + experts + experts * expert, d * experts + experts + 4 * expert};
}

/// The whole model: layers, two norms of width d for each sublayer, the final norm, the tables.
Both whole(Both layers, Int d, Int vocab, Int norms, bool tied = false) {
  return layers + all((norms + 1) * d + (tied ? 1 : 2) * vocab * d);
}

struct Published {
  std::string model;
  Both counted;
  double total;     ///< as published, in 10⁹
  double active;    ///< likewise; 0: the model is dense
  double rounding;  ///< how far the published figures may be off: what was rounded, or counted along
};

std::vector<Published> published() {
  const Both gate_80b = gqa(2048, 16, 2, 256, 2048 * 16 * 256 + 2 * 256);
  const Both gate_397b = gqa(4096, 32, 2, 256, 4096 * 32 * 256 + 2 * 256);
  const Both v3 = mla(7168, 128, 1536, 512, 128, 64, 128);
  return {
      {"gpt-oss-20b", whole(24 * gpt_oss_layer(32), 2880, 201088, 48), 20.91, 3.61, 0.005},
      {"gpt-oss-120b", whole(36 * gpt_oss_layer(128), 2880, 201088, 72), 116.83, 5.13, 0.005},
      {"gemma-3-27b",
       whole(62 * (gqa(5376, 32, 16, 128, 256) + all(3 * 5376 * Int{21504})), 5376, 262208, 62 * 4, true), 27,
       0, 0.5},
      {"qwen3-next-80b-a3b",
       whole(12 * gate_80b + 36 * delta_net(2048, 16, 32, 128) +
                 48 * moe(2048, {512, 10, 512, 512, 3, 0, false, true}),
             2048, 151936, 96),
       80, 3, 0.6},
      {"qwen3.5-397b-a17b",
       whole(15 * gate_397b + 45 * delta_net(4096, 16, 64, 128) +
                 60 * moe(4096, {512, 10, 1024, 1024, 3, 0, false, true}),
             4096, 248320, 120),
       397, 17, 0.8},
      {"deepseek-v3.2",
       whole(61 * (v3 + indexer(7168, 1536, 64, 128)) + 3 * all(3 * 7168 * Int{18432}) +
                 58 * moe(7168, {256, 8, 2048, 2048}),
             7168, 129280, 122),
       671, 37, 0.9},
      {"kimi-k2",
       whole(61 * mla(7168, 64, 1536, 512, 128, 64, 128) + all(3 * 7168 * Int{18432}) +
                 60 * moe(7168, {384, 8, 2048, 2048}),
             7168, 163840, 122),
       1000, 32, 50},
      // Published with the layer that predicts a second token: 3.9 with its experts, 0.8 active.
      {"glm-4.5",
       whole(92 * gqa(5120, 96, 8, 128, 2 * 128 + (96 + 16) * 128) + 3 * all(3 * 5120 * Int{12288}) +
                 89 * moe(5120, {160, 8, 1536, 1536}),
             5120, 151552, 184),
       355, 32, 4.5},
      {"glm-5",
       whole(78 * (mla(6144, 64, 2048, 512, 192, 64, 256) + indexer(6144, 2048, 32, 128)) +
                 3 * all(3 * 6144 * Int{12288}) + 75 * moe(6144, {256, 8, 2048, 2048}),
             6144, 154880, 156),
       744, 40, 0.9},
      {"minimax-m2",
       whole(62 * (gqa(3072, 48, 8, 128, (48 + 8) * 128) + moe(3072, {256, 8, 1536})), 3072, 200064, 124),
       230, 10, 5},
      {"llama4-scout",
       whole(48 * (gqa(5120, 40, 8, 128) + moe(5120, {16, 1, 8192, 8192, 3, 0, false})), 5120, 202048, 96),
       109, 17, 1.5},
      {"llama4-maverick",
       whole(48 * gqa(5120, 40, 8, 128) + 24 * all(3 * 5120 * Int{16384}) +
                 24 * moe(5120, {128, 1, 8192, 8192, 3, 0, false}),
             5120, 202048, 96),
       400, 17, 1.5},
      {"nemotron-h-56b",
       whole(54 * mamba(8192, 256, 64, 8, 256) + 10 * gqa(8192, 64, 8, 128) + 54 * all(2 * 8192 * Int{32768}),
             8192, 131072, 118),
       56, 0, 0.5},
      {"nemotron-3-nano-30b-a3b",
       whole(23 * mamba(2688, 64, 64, 8, 128) + 6 * gqa(2688, 32, 2, 128) +
                 23 * moe(2688, {128, 6, 1856, 3712, 2}),
             2688, 131072, 52),
       31.6, 3.2, 0.05},
      {"nemotron-3-super-120b-a12b",
       whole(40 * mamba(4096, 128, 64, 8, 128) + 8 * gqa(4096, 32, 2, 128) +
                 40 * moe(4096, {512, 22, 2688, 5376, 2, 1024}),
             4096, 131072, 88),
       120.6, 12.2, 0.1},
      {"smollm3-3b", whole(36 * (gqa(2048, 16, 4, 128) + all(3 * 2048 * Int{11008})), 2048, 128256, 72, true),
       3, 0, 0.5},
      {"qwen3-coder-480b-a35b",
       whole(62 * (gqa(6144, 96, 8, 128, 256) + moe(6144, {160, 8, 2560, 0, 3, 0, false})), 6144, 151936,
             124),
       480, 35, 0.5},
      {"olmo-3-32b",
       whole(64 * (gqa(5120, 40, 8, 128, 48 * 128) + all(3 * 5120 * Int{27648})), 5120, 100278, 128), 32, 0,
       0.5},
      // Its checkpoint has 49.1; the name says 48.
      {"kimi-linear-48b-a3b",
       whole(20 * kimi_delta(2304, 32, 128) + 7 * mla(2304, 32, 0, 512, 128, 64, 128) +
                 all(3 * 2304 * Int{9216}) + 26 * moe(2304, {256, 8, 1024, 1024}),
             2304, 163840, 54),
       48, 3, 1.2},
  };
}

ParameterCounts counts_of(const std::string& model) {
  const std::string job = "model: " + model +
                          "\ncluster: {accelerator: h100-80gb-sxm, nodes: 1, devices_per_node: 1}\n"
                          "training: {sequence_length: 4096, global_batch: 1, micro_batch: 1}\n";
  return estimate(parse_jobs(job, "job.yaml").front()).parameters;
}

}  // namespace

TEST_CASE("parameters: bundled models of several kinds, to the last digit and as published") {
  for (const Published& known : published()) {
    INFO(known.model);
    const ParameterCounts found = counts_of(known.model);
    CHECK(found.total == Parameters(known.counted.total));
    CHECK(found.active == Parameters(known.counted.active));
    CHECK(std::abs(found.total.as_double() / 1e9 - known.total) <= known.rounding);
    if (known.active > 0)
      CHECK(std::abs(found.active_computed.as_double() / 1e9 - known.active) <= known.rounding);
  }
}

TEST_CASE("parameters: a table that is only looked up is not active, a tied one is") {
  // gpt-oss 20B: its embedding has 201,088 rows of 2,880.
  const ParameterCounts untied = counts_of("gpt-oss-20b");
  CHECK(untied.active.value() - untied.active_computed.value() == 201088 * 2880);
  const ParameterCounts tied = counts_of("gemma-3-27b");
  CHECK(tied.active == tied.active_computed);
}
