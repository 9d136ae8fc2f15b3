#include <cstdint>
#include <string>
#include <vector>

#include "tests/planner/spec/hugging_face/hugging_face_support.hpp"

using namespace foreshard;
using namespace foreshard::test;

// Small models of every family, with the family's own keys, and their parameters derived by hand. All have a
// stream of D = 64, an FFN of F = 128, 4 heads of d = 16 (q = 64 columns), 2 kv heads (g = 32 columns), a
// vocabulary of V = 256, and 4 layers.
namespace {

constexpr std::int64_t D = 64;
constexpr std::int64_t F = 128;
constexpr std::int64_t V = 256;
constexpr std::int64_t q = 64;
constexpr std::int64_t g = 32;
constexpr std::int64_t d = 16;
constexpr std::int64_t L = 4;

constexpr std::int64_t kAttention = 2 * D * (q + g);  // q and output, k and v
constexpr std::int64_t kGated = 3 * D * F;
constexpr std::int64_t kPlain = 2 * D * F;
constexpr std::int64_t kTables = 2 * V * D + D;  // embedding, head, last norm
constexpr std::int64_t kTied = V * D + D;
constexpr std::int64_t kLlamaLayer = kAttention + kGated + 2 * D;
/// E experts of width H with a router.
constexpr std::int64_t experts(std::int64_t count, std::int64_t width) {
  return count * 3 * D * width + count * D;
}

constexpr const char* kSizes =
    R"("hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 256,
 "num_hidden_layers": 4, "max_position_embeddings": 4096, "bos_token_id": 1, "torch_dtype": "bfloat16")";
constexpr const char* kFfn = R"(, "intermediate_size": 128)";

std::string config(const std::string& type, const std::string& keys) {
  return R"({"model_type": ")" + type + "\", " + kSizes + keys + "}";
}
std::string dense(const std::string& type, const std::string& keys = "") { return config(type, kFfn + keys); }

struct Case {
  std::string text;
  std::int64_t by_hand;
};

void check_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(complaints_about(c.text).empty());
    CHECK(parameters_of(model_of_config(c.text)) == c.by_hand);
  }
}

/// For each layer: its window; 0 for none.
std::vector<std::int64_t> windows(const ModelSpec& model) {
  std::vector<std::int64_t> by_layer;
  const LayerPattern pattern = layer_pattern(model, 1'000'000);
  for (std::int64_t layer = 0; layer < model.layers; ++layer)
    by_layer.push_back(window_of(pattern.kind(layer).mixer).value_or(0));
  return by_layer;
}

/// For each layer: whether its attention has rotary positions.
std::vector<bool> rotary(const ModelSpec& model) {
  std::vector<bool> by_layer;
  const LayerPattern pattern = layer_pattern(model, 1'000'000);
  for (std::int64_t layer = 0; layer < model.layers; ++layer)
    by_layer.push_back(std::get<SoftmaxAttention>(pattern.kind(layer).mixer).rope);
  return by_layer;
}

/// For each layer: whether it has experts.
std::vector<bool> has_experts(const ModelSpec& model) {
  std::vector<bool> by_layer;
  const LayerPattern pattern = layer_pattern(model, 1'000'000);
  for (std::int64_t layer = 0; layer < model.layers; ++layer)
    by_layer.push_back(pattern.kind(layer).ffn == FeedForward::experts);
  return by_layer;
}

}  // namespace

TEST_CASE("descendants of Llama have the parameters of their layers") {
  check_all({
      {dense("llama"), kTables + L * kLlamaLayer},
      {dense("mistral", R"(, "sliding_window": null)"), kTables + L * kLlamaLayer},
      {dense("granite", R"(, "embedding_multiplier": 12.0, "logits_scaling": 8.0)"),
       kTables + L * kLlamaLayer},
      {dense("internlm2", R"(, "bias": false)"), kTables + L * kLlamaLayer},
      {dense("exaone", R"(, "activation_function": "silu")"), kTables + L * kLlamaLayer},
      // One table.
      {dense("smollm3"), kTied + L * kLlamaLayer},
      {dense("ernie4_5", R"(, "use_bias": false)"), kTied + L * kLlamaLayer},
      {dense("gemma", R"(, "hidden_act": "gelu_pytorch_tanh")"), kTied + L * kLlamaLayer},
      // Biases of queries, keys and values; or of all four projections.
      {dense("qwen2"), kTables + L * (kLlamaLayer + q + 2 * g)},
      {dense("seed_oss"), kTables + L * (kLlamaLayer + q + 2 * g)},
      // A module that predicts one token further: a projection of 2·D to D, three norms, one more layer.
      {dense("mimo", R"(, "num_nextn_predict_layers": 1)"),
       kTables + (L + 1) * (kLlamaLayer + q + 2 * g) + 2 * D * D + 3 * D},
      {dense("glm", R"(, "partial_rotary_factor": 1.0, "attention_bias": true)"),
       kTables + L * (kLlamaLayer + q + 2 * g)},
      {dense("llama", R"(, "attention_bias": true)"), kTables + L * (kLlamaLayer + q + 2 * g + D)},
      // Norms of queries and keys: of each head, or of all at once.
      {dense("qwen3"), kTables + L * (kLlamaLayer + 2 * d)},
      {dense("hunyuan_v1_dense"), kTables + L * (kLlamaLayer + 2 * d)},
      {dense("exaone4", R"(, "sliding_window": 8, "sliding_window_pattern": "LLLG")"),
       kTables + L * (kLlamaLayer + 2 * d)},
      {dense("olmo2"), kTables + L * (kLlamaLayer + q + g)},
      {dense("olmo3"), kTables + L * (kLlamaLayer + q + g)},
      // An FFN of two matrices.
      {dense("arcee"), kTables + L * (kAttention + kPlain + 2 * D)},
      {dense("apertus"), kTables + L * (kAttention + kPlain + 2 * D + 2 * d)},
      // Norms before and after each sublayer.
      {dense("glm4", R"(, "partial_rotary_factor": 1.0)"), kTables + L * (kLlamaLayer + 2 * D)},
      {dense("gemma2"), kTied + L * (kLlamaLayer + 2 * D)},
      {dense("gemma3_text"), kTied + L * (kLlamaLayer + 2 * D + 2 * d)},
      // LayerNorms have biases.
      {dense("nemotron", R"(, "partial_rotary_factor": 1.0)"),
       kTables + D + L * (kAttention + kPlain + 4 * D)},
  });
}

TEST_CASE("older families have the parameters of their layers") {
  constexpr std::int64_t kFull = 2 * D * (q + q);  // as many kv heads as heads
  const std::string gpt =
      R"("n_embd": 64, "n_head": 4, "n_layer": 4, "vocab_size": 256, "n_positions": 32, "n_inner": 128})";
  check_all({
      // 1,024 learned positions in GPT-2; here 32. All biases, LayerNorms: 4·D + 2·F·…
      {R"({"model_type": "gpt2", )" + gpt,
       kTied + D + 32 * D + L * (kFull + kPlain + 3 * q + D + F + D + 4 * D)},
      {R"({"model_type": "gpt_bigcode", )" + gpt,
       kTied + D + 32 * D + L * (2 * D * (q + d) + kPlain + q + 2 * d + D + F + D + 4 * D)},
      {R"({"model_type": "gpt_neox", "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
 "num_hidden_layers": 4, "vocab_size": 256, "rotary_pct": 1.0})",
       kTables + D + L * (kFull + kPlain + 3 * q + D + F + D + 4 * D)},
      {dense("starcoder2"), kTied + D + L * (kAttention + kPlain + q + 2 * g + D + F + D + 4 * D)},
      {dense("phi", R"(, "partial_rotary_factor": 1.0)"),
       kTables + D + L * (kAttention + kPlain + q + 2 * g + D + F + D + 2 * D)},
      {dense("stablelm", R"(, "partial_rotary_factor": 1.0)"),
       kTables + D + L * (kAttention + kGated + 4 * D)},
      // One norm, whose weights both sublayers use.
      {dense("cohere"), kTied + L * (kAttention + kGated + D)},
      {dense("cohere2"), kTied + L * (kAttention + kGated + D)},
      // Falcon 7B: one kv head, one LayerNorm, 4·D wide. Falcon 40B: kv heads and two norms.
      {R"({"model_type": "falcon", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 4,
 "vocab_size": 256, "multi_query": true, "parallel_attn": true, "bias": false, "alibi": false})",
       kTied + D + L * (2 * D * (q + d) + 8 * D * D + 2 * D)},
      {R"({"model_type": "falcon", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 4,
 "vocab_size": 256, "num_kv_heads": 2, "new_decoder_architecture": true, "bias": false, "alibi": false})",
       kTied + D + L * (kAttention + 8 * D * D + 4 * D)},
      {R"({"model_type": "bloom", "hidden_size": 64, "n_head": 4, "n_layer": 4, "vocab_size": 256})",
       kTied + D + L * (kFull + 8 * D * D + 3 * q + D + 4 * D + D + 4 * D)},
      // 30 positions, and two rows that none uses.
      {R"({"model_type": "opt", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 4,
 "ffn_dim": 128, "vocab_size": 256, "max_position_embeddings": 30, "word_embed_proj_dim": 64})",
       kTied + D + 32 * D + L * (kFull + kPlain + 3 * q + D + F + D + 4 * D)},
      {R"({"architectures": ["BertForMaskedLM"], "hidden_size": 64, "num_attention_heads": 4,
 "num_hidden_layers": 4, "intermediate_size": 128, "vocab_size": 256, "max_position_embeddings": 32,
 "type_vocab_size": 2, "hidden_dropout_prob": 0.1})",
       kTied + D + 32 * D + L * (kFull + kPlain + 3 * q + D + F + D + 4 * D)},
  });
}

TEST_CASE("mixtures of experts have the parameters of their layers") {
  constexpr std::int64_t kMixer = kAttention + 2 * D;
  const std::string four = R"(, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32)";
  const std::string routed =
      R"(, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32)";
  check_all({
      {dense("mixtral", R"(, "num_local_experts": 4, "num_experts_per_tok": 2)"),
       kTables + L * (kMixer + experts(4, F))},
      {dense("granitemoe", R"(, "num_local_experts": 4, "num_experts_per_tok": 2)"),
       kTables + L * (kMixer + experts(4, F))},
      {dense("olmoe", R"(, "num_experts": 4, "num_experts_per_tok": 2)"),
       kTables + L * (kMixer + q + g + experts(4, F))},
      {dense("qwen3_moe", four), kTables + L * (kMixer + 2 * d + experts(4, 32))},
      // The second and the fourth layer have experts.
      {dense("qwen3_moe", four + R"(, "decoder_sparse_step": 2)"),
       kTables + L * (kMixer + 2 * d) + 2 * experts(4, 32) + 2 * kGated},
      {dense("qwen3_moe", four + R"(, "mlp_only_layers": [2])"),
       kTables + L * (kMixer + 2 * d) + 3 * experts(4, 32) + kGated},
      // A shared expert, a number per expert that steers the router, one dense layer.
      {dense("glm4_moe", routed + R"(, "n_shared_experts": 1, "first_k_dense_replace": 1, "use_qk_norm": true,
 "partial_rotary_factor": 1.0, "num_nextn_predict_layers": 1)"),
       kTables + (L + 1) * (kMixer + 2 * d) + kGated + 4 * (experts(4, 32) + 3 * D * 32 + 4) + 2 * D * D +
           3 * D},
      {dense("dots1", routed + R"(, "n_shared_experts": 2, "first_k_dense_replace": 1)"),
       kTables + L * (kMixer + 2 * d) + kGated + 3 * (experts(4, 32) + 2 * 3 * D * 32 + 4)},
      {dense("bailing_moe",
             four + R"(, "num_shared_experts": 2, "first_k_dense_replace": 0, "use_qk_norm": false)"),
       kTables + L * (kMixer + experts(4, 32) + 2 * 3 * D * 32)},
      {config("minimax_m2", R"(, "intermediate_size": 32, "num_local_experts": 4, "num_experts_per_tok": 2,
 "qk_norm_type": "per_layer", "use_routing_bias": true, "scoring_func": "sigmoid")"),
       kTables + L * (kMixer + q + g + experts(4, 32) + 4)},
      {dense("ernie4_5_moe", R"(, "moe_num_experts": 4, "moe_k": 2, "moe_intermediate_size": 32,
 "moe_num_shared_experts": 1, "moe_layer_start_index": 1, "moe_layer_end_index": -1, "moe_layer_interval": 1)"),
       kTied + L * kMixer + kGated + 3 * (experts(4, 32) + 3 * D * 32 + 4)},
      // Lists with the same value for every layer stand for it.
      {dense("hunyuan_v1_moe", R"(, "num_experts": 4, "moe_topk": [2, 2, 2, 2],
 "moe_intermediate_size": [32, 32, 32, 32], "num_shared_expert": [1, 1, 1, 1], "use_mixed_mlp_moe": true)"),
       kTables + L * (kMixer + 2 * d + experts(4, 32) + 3 * D * 32)},
      {R"({"model_type": "dbrx", "d_model": 64, "n_heads": 4, "n_layers": 4, "vocab_size": 256,
 "attn_config": {"kv_n_heads": 2}, "ffn_config": {"ffn_hidden_size": 32, "moe_num_experts": 4, "moe_top_k": 2}})",
       kTables + L * (kMixer + experts(4, 32))},
      // Biases everywhere, and a sink for each head.
      {config("gpt_oss", R"(, "intermediate_size": 32, "num_local_experts": 4, "num_experts_per_tok": 2)"),
       kTables + L * (kMixer + q + 2 * g + D + 4 + 4 * (3 * D * 32 + 2 * 32 + D) + 4 * D + 4)},
  });
}

TEST_CASE("layers with other mixers have the parameters of their sublayers") {
  // Mamba-2 with I = 4 · 16 = 64 inner columns, 2 groups of 8 states: one product for z, x, B, C and dt, a
  // convolution of 4 tokens over x, B and C with biases, three numbers per head, a norm, the output.
  constexpr std::int64_t kMamba = D * (2 * 64 + 2 * 16 + 4) + (64 + 2 * 16) * (4 + 1) + 3 * 4 + 64 + 64 * D;
  const std::string mamba =
      R"(, "mamba_num_heads": 4, "mamba_head_dim": 16, "n_groups": 2, "ssm_state_size": 8,
 "conv_kernel": 4, "chunk_size": 16, "mlp_hidden_act": "relu2", "use_conv_bias": true, "expand": 2)";
  // Gated delta net: q and k of 2 heads, v and z of 4, two numbers per value head; no biases.
  constexpr std::int64_t kDelta = D * (2 * 32 + 2 * 64 + 2 * 4) + (2 * 32 + 64) * 4 + 2 * 4 + 16 + 64 * D;
  const std::string delta =
      R"(, "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 16,
 "linear_value_head_dim": 16, "linear_conv_kernel_dim": 4)";
  // Attention with a gate as wide as its output, and norms of queries and keys.
  constexpr std::int64_t kGatedAttention = kAttention + D * q + 2 * d;
  // Kimi delta: q, k, v and output, beta, a convolution, and two products of rank 16.
  constexpr std::int64_t kKimi = 4 * D * 64 + D * 4 + 3 * 64 * 4 + 2 * (D * 16 + 16 * 64) + 4 + 64 + 16;
  // Latent attention: queries of 4 · 24, a shared key of 8 beside 32 latent columns with a norm, keys and values
  // of 4 · (16 + 16), the output.
  constexpr std::int64_t kLatent = D * 4 * 24 + D * (32 + 8) + 32 + 32 * 4 * 32 + 4 * 16 * D;
  const std::string latent =
      R"(, "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16)";
  check_all({
      // One sublayer per layer, with one norm each: Mamba-2, dense FFN, attention, FFN.
      {dense("nemotron_h", mamba + R"(, "hybrid_override_pattern": "M-*-")"),
       kTables + kMamba + kAttention + 2 * kPlain + L * D},
      {dense("nemotron_h", mamba + R"(, "layers_block_type": ["mamba", "moe", "attention", "moe"],
 "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_shared_experts": 1,
 "moe_shared_expert_intermediate_size": 48)"),
       kTables + kMamba + kAttention + 2 * (4 * 2 * D * 32 + 4 * D + 4 + 2 * D * 48) + L * D},
      // Experts on rows of 16 columns: one product to them and one back.
      {dense("nemotron_h", mamba + R"(, "hybrid_override_pattern": "ME*E", "n_routed_experts": 4,
 "num_experts_per_tok": 2, "moe_intermediate_size": 32, "moe_latent_size": 16, "n_shared_experts": 1,
 "moe_shared_expert_intermediate_size": 48)"),
       kTables + kMamba + kAttention + 2 * (4 * 2 * 16 * 32 + 2 * D * 16 + 4 * D + 4 + 2 * D * 48) + L * D},
      {dense("qwen3_next",
             delta + R"(, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
 "shared_expert_intermediate_size": 48, "full_attention_interval": 4, "partial_rotary_factor": 0.25)"),
       kTables + 3 * kDelta + kGatedAttention + L * (experts(4, 32) + 3 * D * 48 + D + 2 * D)},
      {dense("qwen3_5_text", delta + R"(, "layer_types": ["linear_attention", "linear_attention",
 "linear_attention", "full_attention"])"),
       kTables + 3 * kDelta + kGatedAttention + L * (kGated + 2 * D)},
      {dense("kimi_linear", latent + R"(, "mla_use_nope": true, "q_lora_rank": null, "num_experts": 4,
 "num_experts_per_token": 2, "moe_intermediate_size": 32, "num_shared_experts": 1, "first_k_dense_replace": 1,
 "linear_attn_config": {"kda_layers": [1, 2, 3], "full_attn_layers": [4], "num_heads": 4, "head_dim": 16,
 "short_conv_kernel_size": 4})"),
       kTables + 3 * kKimi + kLatent + kGated + 3 * (experts(4, 32) + 3 * D * 32 + 4) + L * 2 * D},
      // An indexer: queries from the rank of the latent queries, one key head with a LayerNorm, weights.
      {dense("deepseek_v32", latent + R"(, "q_lora_rank": 32, "index_n_heads": 2, "index_head_dim": 16,
 "index_topk": 64)"),
       kTables + L * (kLatent - D * 4 * 24 + D * 32 + 32 + 32 * 4 * 24 + 32 * 2 * 16 + D * 16 + 2 * 16 +
                      D * 2 + kGated + 2 * D)},
      {dense("glm_moe_dsa", latent + R"(, "q_lora_rank": 32, "index_n_heads": 2, "index_head_dim": 16,
 "index_topk": 64, "indexer_types": ["full", "shared", "shared", "shared"])"),
       kTables + L * (kLatent - D * 4 * 24 + D * 32 + 32 + 32 * 4 * 24 + kGated + 2 * D) + 32 * 2 * 16 +
           D * 16 + 2 * 16 + D * 2},
      // Every layer says its kv heads and the width of its FFN, 2/3 · 2.625 · 64 = 112 rounded up to 256.
      {config("nemotron-nas", R"(, "block_configs": [
 {"attention": {"n_heads_in_group": 2, "no_op": false}, "ffn": {"ffn_mult": 2.625, "no_op": false}},
 {"attention": {"n_heads_in_group": null, "no_op": true}, "ffn": {"ffn_mult": 2.625, "no_op": false}},
 {"attention": {"n_heads_in_group": 4, "no_op": false}, "ffn": {"ffn_mult": 8.0, "no_op": false}},
 {"attention": {"n_heads_in_group": 4, "no_op": false}, "ffn": {"no_op": true}}])"),
       kTables + kAttention + 3 * D * 256 + 2 * D + 3 * D * 256 + D + 2 * D * (q + d) + 3 * D * 512 + 2 * D +
           2 * D * (q + d) + D},
      // Gemma 4: the fourth layer has heads of 32, one kv head, and values that are its keys.
      {dense("gemma4_text",
             R"(, "global_head_dim": 32, "num_global_key_value_heads": 1, "attention_k_eq_v": true,
 "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
 "sliding_window": 8, "enable_moe_block": false, "rope_parameters": {"full_attention":
 {"partial_rotary_factor": 0.25, "rope_type": "proportional"}, "sliding_attention": {"rope_theta": 10000.0}})"),
       kTied + 3 * (kAttention + 2 * d) + (2 * D * 4 * 32 + D * 32 + 2 * 32) + L * (kGated + 4 * D)},
      // Heads of values narrower than those of keys; sinks in the layers with windows.
      {dense("mimo_v2_flash", R"(, "v_head_dim": 8, "hybrid_layer_pattern": [0, 1, 1, 0], "sliding_window": 8,
 "swa_num_attention_heads": 4, "swa_num_key_value_heads": 4, "swa_head_dim": 16, "swa_v_head_dim": 8,
 "add_swa_attention_sink_bias": true, "n_routed_experts": 4, "num_experts_per_tok": 2,
 "moe_intermediate_size": 32, "moe_layer_freq": [0, 1, 1, 1], "topk_method": "noaux_tc",
 "partial_rotary_factor": 0.5)"),
       kTables + 2 * (D * (64 + 32 + 16) + 32 * D) + 2 * (D * (64 + 64 + 32) + 32 * D + 4) + kGated +
           3 * (experts(4, 32) + 4) + L * 2 * D},
      // Chunks and no positions change no weights; dense and expert layers alternate.
      {config("llama4_text",
              R"(, "intermediate_size": 32, "intermediate_size_mlp": 128, "num_local_experts": 4,
 "num_experts_per_tok": 1, "interleave_moe_layer_step": 2, "attention_chunk_size": 64)"),
       kTables + L * (kAttention + 2 * D) + 2 * kGated + 2 * (experts(4, 32) + 3 * D * 32)},
      {dense("granitemoehybrid", R"(, "num_local_experts": 4, "num_experts_per_tok": 2,
 "shared_intermediate_size": 48, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_n_groups": 2, "mamba_d_state": 8,
 "mamba_d_conv": 4, "mamba_expand": 1, "mamba_chunk_size": 16, "position_embedding_type": "nope",
 "layer_types": ["mamba", "mamba", "mamba", "attention"])"),
       kTables + 3 * kMamba + kAttention + L * (experts(4, F) + 3 * D * 48 + 2 * D)},
  });
}

TEST_CASE("MiniMax-M3 has an indexer of blocks in all layers but the first") {
  const std::string sizes =
      R"(, "intermediate_size": 32, "dense_intermediate_size": 128, "num_local_experts": 4,
 "num_experts_per_tok": 2, "shared_intermediate_size": 48, "n_shared_experts": 1, "moe_layer_freq": [0, 1, 1, 1],
 "qk_norm_type": "per_head", "rotary_dim": 8, "use_routing_bias": true, "sparse_attention_config":
 {"use_sparse_attention": true, "sparse_attention_freq": [0, 1, 1, 1], "sparse_block_size": 32,
 "sparse_index_dim": 16, "sparse_num_index_heads": 2, "sparse_topk_blocks": 2})";
  constexpr std::int64_t kTotal = kTables + L * (kAttention + 2 * d + 2 * D) + kGated +
                                  3 * (experts(4, 32) + 4 + 3 * D * 48) + 3 * (D * 2 * 16 + D * 16 + 2 * 16);
  // Some files say the experts' width twice.
  check_all({{config("minimax_m3", sizes), kTotal},
             {config("minimax_m3", sizes + R"(, "moe_intermediate_size": 32)"), kTotal}});
  CHECK_THAT(complaints_about(config("minimax_m3", sizes + R"(, "moe_intermediate_size": 64)")),
             ContainsSubstring("intermediate_size: experts have another width, moe_intermediate_size"));
}

TEST_CASE("what differs between layers becomes kinds of layers") {
  using Windows = std::vector<std::int64_t>;
  using Flags = std::vector<bool>;
  CHECK(rotary(model_of_config(dense("smollm3"))) == Flags{true, true, true, false});
  CHECK(rotary(model_of_config(dense("smollm3", R"(, "no_rope_layers": [1, 0, 1, 0])"))) ==
        Flags{true, false, true, false});
  const ModelSpec exaone = model_of_config(dense("exaone4", R"(, "sliding_window": 8)"));
  CHECK(windows(exaone) == Windows{8, 8, 8, 0});
  CHECK(rotary(exaone) == Flags{true, true, true, false});
  CHECK(rotary(model_of_config(dense("exaone4", R"(, "sliding_window": null)"))) ==
        Flags{true, true, true, true});
  CHECK(windows(model_of_config(dense("olmo3", R"(, "sliding_window": 8)"))) == Windows{8, 8, 8, 0});
  CHECK(rotary(model_of_config(dense("cohere2"))) == Flags{true, true, true, false});
  CHECK(windows(model_of_config(dense(
            "gemma3_text", R"(, "sliding_window": 8, "sliding_window_pattern": 2)"))) == Windows{8, 0, 8, 0});
  const std::string moe = R"(, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
 "use_qk_norm": false, "partial_rotary_factor": 1.0)";
  CHECK(has_experts(model_of_config(dense("glm4_moe", moe + R"(, "moe_layer_freq": [0, 1, 0, 1])"))) ==
        Flags{false, true, false, true});
  CHECK(has_experts(model_of_config(
            dense("glm4_moe", moe + R"(, "mlp_layer_types": ["dense", "sparse", "sparse", "dense"])"))) ==
        Flags{false, true, true, false});
}

TEST_CASE("DeepSeek-V4: ratios by layer, streams, tables of experts, and the module's own kind of layer") {
  const auto v4 = [](const std::string& ratios) {
    return R"({"architectures": ["DeepseekV4ForCausalLM"], "model_type": "deepseek_ref", "hidden_size": 64,
 "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 256, "num_hidden_layers": 4,
 "q_lora_rank": 32, "qk_rope_head_dim": 8, "o_lora_rank": 8, "o_groups": 2, "sliding_window": 8,
 "index_n_heads": 2, "index_head_dim": 8, "index_topk": 16, "hc_mult": 4, "hc_sinkhorn_iters": 20, "hc_eps": 1e-6,
 "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_shared_experts": 1,
 "topk_method": "noaux_tc", "scoring_func": "sqrtsoftplus", "swiglu_limit": 10.0, "num_hash_layers": 1,
 "num_nextn_predict_layers": 1, "compress_rope_theta": 160000, "expert_dtype": "fp4", "compress_ratios": )" +
           ratios + "}";
  };
  const ModelSpec model = model_of_config(v4("[0, 4, 128, 4, 0]"));
  // Latent queries with a norm, queries; the key with a norm; two groups of heads to 8 columns, the output; sinks.
  constexpr std::int64_t kMixer = D * 32 + 32 + 32 * 64 + D * 16 + 16 + 64 * 8 + 2 * 8 * D + 4;
  constexpr std::int64_t kHeavy = 2 * D * 16 + 128 * 16 + 16;
  constexpr std::int64_t kSparse = 2 * D * 32 + 4 * 32 + 16 + 2 * D * 16 + 4 * 16 + 8 + 32 * 2 * 8 + D * 2;
  // Two norms; mixing around both sublayers; experts, a shared one.
  constexpr std::int64_t kRest = 2 * D + 2 * (24 * 4 * D + 24 + 3) + experts(4, 32) + 3 * D * 32;
  constexpr std::int64_t kBeforeHead = 4 * 4 * D + 4 + 1;
  constexpr std::int64_t kModule = kMixer + kRest + 4 + 2 * D * D + 3 * D + kBeforeHead;
  CHECK(parameters_of(model) ==
        kTables + kBeforeHead + L * (kMixer + kRest) + 3 * 4 + 2 * kSparse + kHeavy + kModule);
  CHECK(windows(model) == std::vector<std::int64_t>{8, 8, 8, 8});
  CHECK(model.streams() == 4);
  CHECK(layer_pattern(model, 128).kind(0).hash_routing);
  CHECK_FALSE(layer_pattern(model, 128).kind(1).hash_routing);
  REQUIRE(model.left_out.size() == 1);
  CHECK_THAT(model.left_out.front(), ContainsSubstring("tables of layers with hash routing"));
  CHECK_THAT(complaints_about(v4("[0, 4]")), ContainsSubstring("2 ratios for 4 layers"));
}

TEST_CASE("a language model inside a config of several media is found") {
  const std::string text = dense("qwen3_vl_text", R"(, "rope_scaling": {"mrope_section": [24, 20, 20]})");
  for (const char* const part : {"text_config", "language_config", "llm_config"}) {
    const ModelSpec model =
        model_of_config(R"({"architectures": ["Qwen3VLForConditionalGeneration"], "tie_word_embeddings": true,
 "vision_config": {"depth": 27}, "image_token_id": 5, ")" +
                        std::string(part) + "\": " + text + "}");
    CHECK(parameters_of(model) == kTied + L * (kLlamaLayer + 2 * d));
    REQUIRE(model.left_out.size() == 1);
    CHECK(model.left_out.front() == "only the language model is planned, without vision_config");
  }
}

TEST_CASE("a quantised checkpoint is planned as before, with a note") {
  const ModelSpec model = model_of_config(
      dense("qwen3", R"(, "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128],
 "ignored_layers": {"a": {"b": [1, 2]}}})"));
  CHECK(parameters_of(model) == kTables + L * (kLlamaLayer + 2 * d));
  REQUIRE(model.left_out.size() == 1);
  CHECK(model.left_out.front() == "the checkpoint is quantised (fp8); the model is planned as before that");
}

TEST_CASE("modules of multi-token prediction are planned where the file says their layers") {
  const ModelSpec model = model_of_config(dense("mimo", R"(, "num_nextn_predict_layers": 1)"));
  REQUIRE(model.mtp);
  CHECK(model.mtp->modules == 1);
  CHECK(model.left_out.empty());
  // MiniMax says how many, and no weights of them are published.
  const ModelSpec minimax = model_of_config(config("minimax_m2", R"(, "intermediate_size": 32,
 "num_local_experts": 4, "num_experts_per_tok": 2, "use_mtp": true, "num_mtp_modules": 3,
 "mtp_transformer_layers": 1)"));
  CHECK_FALSE(minimax.mtp);
  REQUIRE(minimax.left_out.size() == 1);
  CHECK(minimax.left_out.front() == "3 layers of multi-token prediction are left out");
}

TEST_CASE("every key is accounted for") {
  // Known to change neither weights nor products, or off: no complaint.
  CHECK(complaints_about(dense("llama", R"(, "rope_theta": 500000.0, "temperature": 0.6, "rms_norm_eps": 1e-5,
 "some_new_switch": false, "another": null, "a_list": [], "time_step_limit": [0.0, Infinity],
 "rope_scaling": {"factor": NaN, "deep": {"deeper": [1, {"a": -Infinity}]}})"))
            .empty());
  const ModelSpec model = model_of_config(dense("llama", R"(, "some_new_switch": false, "another": null)"));
  REQUIRE(model.left_out.size() == 1);
  CHECK(model.left_out.front() ==
        "keys that are not known, and whose values switch nothing on: another, some_new_switch");
  // The key is in line 3: 2 lines of sizes come before it.
  CHECK_THAT(complaints_about(dense("llama", ",\n \"residual_streams\": 4")),
             ContainsSubstring("3:2 residual_streams: foreshard has no notion of this key"));
  CHECK_THAT(complaints_about(dense("qwen3", R"(, "compress_ratios": [4, 128])")),
             ContainsSubstring("compress_ratios: foreshard has no notion of this key"));
  // A key of another family is not passed over either.
  CHECK_THAT(complaints_about(dense("llama", R"(, "num_experts": 8)")),
             ContainsSubstring("num_experts: foreshard has no notion of this key"));
  const ModelSpec dropout = model_of_config(dense("llama", R"(, "attention_dropout": 0.1)"));
  REQUIRE(dropout.left_out.size() == 1);
  CHECK_THAT(dropout.left_out.front(), ContainsSubstring("training.dropout"));
}

TEST_CASE("what cannot be planned is refused with what is lacking") {
  CHECK_THAT(complaints_about(dense("kimi_k3", R"(, "attn_res_block_size": 12)")),
             ContainsSubstring("attention over the outputs of earlier layers (attn_res_block_size)"));
  CHECK_THAT(complaints_about(R"({"train_batch_size": 32, "zero_optimization": {"stage": 3}})"),
             ContainsSubstring("this is a configuration of DeepSpeed"));
  CHECK_THAT(complaints_about(dense("jamba")), ContainsSubstring("no notion of Mamba-1 layers"));
  CHECK_THAT(complaints_about(dense("falcon_h1")), ContainsSubstring("side by side"));
  CHECK_THAT(complaints_about(dense("gemma4_text", R"(, "hidden_size_per_layer_input": 256)")),
             ContainsSubstring("embeddings per layer cannot be described"));
  CHECK_THAT(complaints_about(dense("llama", R"(, "hidden_act": "elu")")),
             ContainsSubstring("this activation"));
  CHECK_THAT(complaints_about(dense("seed_oss", R"(, "mlp_bias": true)")),
             ContainsSubstring("biases of the FFN"));
  CHECK_THAT(complaints_about(dense("smollm3", R"(, "no_rope_layers": [1, 0])")),
             ContainsSubstring("2 numbers for 4 layers"));
  CHECK_THAT(complaints_about(dense("mistral", R"(, "sliding_window": Infinity)")),
             ContainsSubstring("'Infinity'"));
  CHECK_THAT(complaints_about(dense("mixtral", R"(, "num_local_experts": 4, "num_experts": 8,
 "num_experts_per_tok": 2)")),
             ContainsSubstring("which says the same"));
}

TEST_CASE("an unknown architecture gets the nearest by its keys, the newest first") {
  const std::string latent = R"(, "kv_lora_rank": 32, "q_lora_rank": 32, "qk_nope_head_dim": 16,
 "qk_rope_head_dim": 8, "v_head_dim": 16, "n_routed_experts": 4, "num_experts_per_tok": 2,
 "moe_intermediate_size": 32)";
  const std::string v3 = complaints_about(dense("deepseek_v9", latent + R"(, "topk_method": "noaux_tc")"));
  CHECK_THAT(v3, ContainsSubstring("unknown architecture 'deepseek_v9'"));
  CHECK_THAT(v3, !ContainsSubstring("nearest to 'DeepseekV2ForCausalLM'"));
  // With an indexer it is nearest to those that have one; its further key is named.
  const std::string v32 = complaints_about(dense(
      "deepseek_v9", latent + R"(, "index_n_heads": 4, "index_head_dim": 16, "index_topk": 64, "ghost": 3)"));
  CHECK_THAT(v32, ContainsSubstring("nearest to 'GlmMoeDsaForCausalLM'; it has beside ghost"));
  const std::string lacking = complaints_about(R"({"model_type": "novel", "hidden_size": 64,
 "num_attention_heads": 4, "vocab_size": 256})");
  CHECK_THAT(lacking, ContainsSubstring("it lacks"));
  CHECK_THAT(lacking, ContainsSubstring("your_model.md"));
  CHECK_THAT(complaints_about(R"({"architectures": ["DeepseekV33ForCausalLM"]})"),
             ContainsSubstring("did you mean 'DeepseekV32ForCausalLM'?"));
}
