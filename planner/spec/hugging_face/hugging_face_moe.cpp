#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"

/// Families with experts and softmax attention.
namespace foreshard::detail {

namespace {

using Windows = WindowRule::Layers;

/// Llama's parts without a dense feed-forward network: heads, activation, tied embeddings. The width of the
/// dense layers is said where the file has it.
void say_llama_stream(Model& m, bool tied = false) {
  m.t.take_if("ffn_hidden", "intermediate_size");
  say_stream(m);
  say_heads(m);
  say_tied(m, tied);
  say_gated(m, "hidden_act", "silu");
}

void mixtral(Model& m) {
  say_llama_stream(m);
  say_experts(m, {.hidden = "intermediate_size"});
  say_expert_layers(m);
  say_windows(m, {.layers = Windows::all});
}

void qwen2_moe(Model& m) {
  say_llama_stream(m);
  if (m.t.flag("qkv_bias", true)) m.t.say("biases", "qkv");
  say_experts(m, {.shared_gate = true});
  say_expert_layers(m);
  say_windows(m, {.layers = Windows::upper});
}

void qwen3_moe(Model& m) {
  say_llama_stream(m);
  if (m.t.flag("use_qk_norm", true)) say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  say_experts(m, {});
  say_expert_layers(m);
  say_windows(m, {.layers = Windows::all_if_used});
}

void olmoe(Model& m) {
  say_llama_stream(m);
  say_qk_norm(m, QkNorm::whole);
  say_attention_bias(m);
  say_experts(m, {.hidden = "intermediate_size"});
  say_expert_layers(m);
}

void granite_moe(Model& m) {
  say_llama_stream(m);
  say_attention_bias(m);
  say_experts(m, {.hidden = "intermediate_size"});
  say_expert_layers(m);
}

/// The clamp in gpt-oss's activation is ignored.
void gpt_oss(Model& m) {
  say_llama_stream(m);
  if (!m.t.flag("attention_bias", true))
    m.t.refuse("attention_bias", "a gpt-oss without biases of attention cannot be described",
               "attention_bias: true");
  m.t.say("biases", "all");
  m.t.say("attention_sinks", "true");
  say_experts(m, {.hidden = "intermediate_size"});
  say_expert_layers(m);
  say_windows(m, {.layers = Windows::alternate, .usual = 128});
}

void glm4_moe(Model& m) {
  say_llama_stream(m);
  if (m.t.flag("use_qk_norm", false)) say_qk_norm(m, QkNorm::each);
  say_attention_bias(m, false, false);
  say_partial_rotary(m, 0.5);
  say_experts(m, {.score_bias = true});
  say_expert_layers(m);
  say_mtp(m);
}

void dots1(Model& m) {
  say_llama_stream(m);
  say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  say_experts(m, {.score_bias = true});
  say_expert_layers(m);
  say_windows(m, {.layers = Windows::upper});
}

/// Queries and keys are normalised over all heads at once ("per_layer"), or each head on its own ("per_head").
void say_minimax_attention(Model& m) {
  const std::string type = m.t.text("qk_norm_type", "per_layer");
  if (type != "per_layer" && type != "per_head")
    m.t.refuse("qk_norm_type", "this norm of queries and keys is not known", "known: per_layer, per_head");
  if (m.t.flag("use_qk_norm", true)) say_qk_norm(m, type == "per_layer" ? QkNorm::whole : QkNorm::each);
  say_partial_rotary(m);
  if (m.t.flag("attention_output_gate", false)) m.attention.say("gate", "elementwise");
}

void minimax_m2(Model& m) {
  say_llama_stream(m);
  say_minimax_attention(m);
  m.t.knows({"attn_type_list"});  // all ones: every layer has softmax attention
  for (const std::int64_t type : m.t.whole_list("attn_type_list")) {
    if (type != 1) return m.t.refuse("attn_type_list", "lightning attention cannot be described", "only 1");
  }
  say_experts(m, {.hidden = "intermediate_size", .score_bias = true});
  say_expert_layers(m);
  say_mtp(m);
}

/// Sparse attention over blocks of keys. Layers that "sparse_attention_freq" leaves out see all keys.
void say_block_indexer(Model& m) {
  const auto sparse = m.t.inside("sparse_attention_config");
  if (!sparse || !sparse->flag("use_sparse_attention", true)) return;
  const std::int64_t block = sparse->whole("sparse_block_size");
  Translation indexer = m.t.below();
  indexer.say("kind", "block");
  indexer.say("heads", sparse->whole("sparse_num_index_heads"));
  indexer.say("head_dim", sparse->whole("sparse_index_dim"));
  indexer.say("top_k", sparse->whole("sparse_topk_blocks") * block);
  indexer.say("block", block);
  m.attention.say_map("indexer", indexer);
  sparse->knows(
      {"sparse_disable_index_value", "sparse_init_block", "sparse_local_block", "sparse_score_type"});
  const std::vector<std::int64_t> is_sparse = sparse->whole_list("sparse_attention_freq");
  if (is_sparse.empty()) return;
  if (is_sparse.size() < m.layers.layers())
    return sparse->refuse("sparse_attention_freq", "fewer numbers than layers", "one number per layer");
  Translation all = m.t.below();
  all.say("indexer", "none");
  describe_attention(m, kFull, all);
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer)
    m.layers.set_mixer(layer, is_sparse[layer] != 0 ? "sparse" : kFull);
}

void minimax_m3(Model& m) {
  Translation& t = m.t;
  const char* const hidden = t.has("moe_intermediate_size") ? "moe_intermediate_size" : "intermediate_size";
  // Some files say the experts' width twice.
  if (t.whole_or("intermediate_size", t.whole_or(hidden, 0)) != t.whole_or(hidden, 0))
    t.refuse("intermediate_size", "experts have another width, moe_intermediate_size", "the same width");
  t.take_if("ffn_hidden", "dense_intermediate_size");
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_minimax_attention(m);
  say_experts(m, {.hidden = hidden, .score_bias = true});
  say_expert_layers(m);
  say_block_indexer(m);
  say_mtp(m);
}

void ernie_moe(Model& m) {
  say_llama_stream(m, true);
  if (m.t.flag("use_bias", false)) m.t.say("biases", "all");
  say_experts(m, {.score_bias = true});
  say_expert_layers(m);
  say_mtp(m);
  m.t.knows({"moe_capacity", "moe_gate", "moe_use_hard_gate", "moe_multimodal_paired_experts", "use_rmsnorm",
             "fuse_rope", "micro_batch_size", "moe_dense_experts_token_type_id"});
}

void hunyuan_moe(Model& m) {
  say_llama_stream(m);
  say_attention_bias(m);
  if (m.t.flag("use_qk_norm", true)) say_qk_norm(m, QkNorm::each);
  if (m.t.flag("use_cla", false))
    m.t.refuse("use_cla", "keys and values shared by several layers cannot be described", "false");
  const std::int64_t skipped = m.t.whole_or("moe_layer_num_skipped", 0);
  const bool has_shared = m.t.flag("use_mixed_mlp_moe", true);
  const char* const hidden = m.t.has("moe_intermediate_size") ? "moe_intermediate_size" : "intermediate_size";
  if (has_shared)
    say_experts(m, {.hidden = hidden});
  else
    say_experts(m, {.hidden = hidden, .shared_hidden = 0});
  say_expert_layers(m);
  for (std::size_t layer = 0; layer < m.layers.layers() && static_cast<std::int64_t>(layer) < skipped;
       ++layer)
    m.layers.set_ffn(layer, kDense);
  m.t.knows({"cla_share_factor", "norm_type", "mlp_bias", "capacity_factor", "moe_drop_tokens",
             "moe_random_routing_dropped_token", "group_limited_greedy", "use_rotary_pos_emb",
             "position_embedding_xdrope", "class_token_id", "add_classification_head"});
}

/// Ling and Ring.
void bailing_moe(Model& m) {
  say_llama_stream(m);
  if (m.t.flag("use_qk_norm", false)) say_qk_norm(m, QkNorm::each);
  if (m.t.flag("use_qkv_bias", false)) m.t.say("biases", m.t.flag("use_bias", false) ? "attention" : "qkv");
  say_partial_rotary(m);
  const char* const hidden = "moe_intermediate_size";
  const std::int64_t each =
      m.t.whole_or("moe_shared_expert_intermediate_size", m.t.whole_or("moe_intermediate_size", 0));
  say_experts(m, {.hidden = hidden, .shared_hidden = each * m.t.whole_or("num_shared_experts", 0)});
  say_expert_layers(m);
  say_mtp(m);
  m.t.knows({"norm_head", "norm_softmax", "use_rmsnorm", "multi_gate", "gate_type"});
}

/// Step 3.5 and 3.7: norms of queries and keys, and an optional gate per head.
void step3(Model& m) {
  Translation& t = m.t;
  t.take_if("ffn_hidden", "intermediate_size");
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_qk_norm(m, QkNorm::each);
  if (t.flag("use_head_wise_attn_gate", false)) m.attention.say("gate", "headwise");
  say_experts(m, {.score_bias = true});
  say_expert_layers(m);
  say_windows(m, {.layers = Windows::none});
  t.knows({"partial_rotary_factors", "use_rope_layers", "att_impl_type", "zero_centered", "use_moe",
           "moe_every_n_layer", "yarn_only_types", "sink", "need_fp32_gate"});
  if (const auto other = t.inside("attention_other_setting")) {
    Translation local = t.below();
    local.say("window", t.whole("sliding_window"));
    local.say("heads", other->whole("num_attention_heads"));
    local.say("kv_heads", other->whole_or(other->one_of({"num_attention_groups", "num_key_value_heads"}), 8));
    local.say("head_dim", other->whole_or("head_dim", t.whole_or("head_dim", 128)));
    other->knows({"attention_type", "true_head_dim"});
    describe_attention(m, kLocal, local);
  }
  leave_mtp_out(m);
}

/// Windows with heads of their own and sinks; heads of values are narrower than those of keys.
void mimo_v2(Model& m) {
  Translation& t = m.t;
  say_llama_stream(m);
  m.attention.take_if("v_head_dim", "v_head_dim");
  say_partial_rotary(m);
  say_attention_bias(m);
  say_experts(m, {.score_bias = true});
  say_expert_layers(m);
  Translation local = t.below();
  local.say("window", t.whole(t.one_of({"sliding_window", "sliding_window_size"})));
  local.take_if("heads", "swa_num_attention_heads");
  local.take_if("kv_heads", "swa_num_key_value_heads");
  local.take_if("head_dim", "swa_head_dim");
  local.take_if("v_head_dim", "swa_v_head_dim");
  if (t.flag("add_swa_attention_sink_bias", false)) local.say("attention_sinks", "true");
  if (t.flag("add_full_attention_sink_bias", false)) {
    Translation full = t.below();
    full.say("attention_sinks", "true");
    describe_attention(m, kFull, full);
  }
  describe_attention(m, kLocal, local);
  const std::vector<std::int64_t> is_local = t.whole_list("hybrid_layer_pattern");
  const std::vector<std::string> types = layer_types(m);
  if (is_local.size() < m.layers.layers() && types.empty())
    t.refuse("hybrid_layer_pattern",
             fmt::format("{} numbers for {} layers", is_local.size(), m.layers.layers()),
             "one number per layer: 1 for a window");
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer) {
    const bool has_window = !types.empty() ? types[layer] == "sliding_attention"
                                           : layer < is_local.size() && is_local[layer] != 0;
    m.layers.set_mixer(layer, has_window ? kLocal : kFull);
  }
  t.knows(
      {"attention_chunk_size", "attention_projection_layout", "hybrid_block_size"});  // of an implementation
  say_mtp(m);
}

/// Attention in chunks with rotary positions, and every fourth layer without both; experts in some layers, with
/// a shared one as wide as they are.
void llama4(Model& m) {
  Translation& t = m.t;
  t.take_if("ffn_hidden", "intermediate_size_mlp");
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_attention_bias(m);
  say_experts(m, {.hidden = "intermediate_size", .shared_hidden = t.whole_or("intermediate_size", 0)});
  say_expert_layers(m);
  if (t.flag("use_qk_norm", true)) t.note("the norms of queries and keys are left out: they have no weights");
  const std::vector<std::string> types = layer_types(m);
  const std::vector<bool> without = without_positions(m, 4);
  Translation chunked = t.below();
  if (t.has("attention_chunk_size")) chunked.say("chunk", t.whole("attention_chunk_size"));
  Translation nope = t.below();
  nope.say("positions", "none");
  describe_attention(m, "chunked", chunked);
  describe_attention(m, "nope", nope);
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer)
    m.layers.set_mixer(layer, without[layer] ? "nope" : "chunked");
  t.knows({"attn_scale", "for_llm_compressor", "moe_layers"});
}

/// Attention and FFN as in Llama, but with LayerNorms; sizes in maps of their own.
void dbrx(Model& m) {
  Translation& t = m.t;
  t.take("hidden", "d_model");
  t.take("heads", "n_heads");
  t.take("vocab", "vocab_size");
  say_tied(m, false);
  t.say("ffn", "swiglu");
  t.note("layernorms without biases are planned as RMSNorms, which have the same weights");
  if (const auto attention = t.inside("attn_config")) {
    t.say("kv_heads", attention->whole_or("kv_n_heads", 1));
    attention->knows({"clip_qkv", "rope_theta", "attn_pdrop", "model_type"});
  }
  Translation experts = t.below();
  if (const auto ffn = t.inside("ffn_config")) {
    experts.say("count", ffn->whole("moe_num_experts"));
    experts.say("per_token", ffn->whole("moe_top_k"));
    experts.say("hidden", ffn->whole("ffn_hidden_size"));
    ffn->knows({"ffn_act_fn", "moe_loss_weight", "moe_normalize_expert_weights", "uniform_expert_assignment",
                "moe_jitter_eps", "model_type"});
  }
  m.layers.set_experts(experts);
  say_expert_layers(m);
}

}  // namespace

std::vector<Family> expert_families() {
  return {
      {"MiniMaxM3Sparse", "minimax_m3", minimax_m3},
      {"MiniMaxM3", "minimax_m3_vl", minimax_m3},
      {"Step3p7Flash", "step3p7", step3},
      {"MiMoV2Flash", "mimo_v2_flash", mimo_v2},
      {"MiMoV2", "mimo_v2", mimo_v2},
      {"Step3p5", "step3p5", step3},
      {"MiniMaxM2", "minimax_m2", minimax_m2},
      {"SolarOpen", "solar_open", glm4_moe},
      {"BailingMoeV2", "bailing_moe_v2", bailing_moe},
      {"BailingMoe", "bailing_moe", bailing_moe},
      {"GptOss", "gpt_oss", gpt_oss},
      {"Glm4vMoe", "glm4v_moe", glm4_moe},
      {"Glm4Moe", "glm4_moe", glm4_moe},
      {"Dots1", "dots1", dots1},
      {"Ernie4_5_Moe", "ernie4_5_moe", ernie_moe},
      {"HunYuanMoEV1", "hunyuan_v1_moe", hunyuan_moe},
      {"Qwen3OmniMoe", "qwen3_omni_moe", qwen3_moe},
      {"Qwen3VLMoe", "qwen3_vl_moe", qwen3_moe},
      {"Qwen3Moe", "qwen3_moe", qwen3_moe},
      {"Llama4", "llama4", llama4},
      {"GraniteMoeShared", "granitemoeshared", granite_moe},
      {"GraniteMoe", "granitemoe", granite_moe},
      {"Olmoe", "olmoe", olmoe},
      {"Qwen2Moe", "qwen2_moe", qwen2_moe},
      {"Dbrx", "dbrx", dbrx},
      {"Mixtral", "mixtral", mixtral},
  };
}

}  // namespace foreshard::detail
