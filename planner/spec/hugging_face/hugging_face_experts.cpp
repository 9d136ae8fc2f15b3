#include "planner/spec/hugging_face/hugging_face_translation.hpp"
#include "planner/units/count.hpp"

namespace foreshard::detail {

namespace {

void mixtral(Translation& t) {
  translate_llama_sizes(t);
  Translation experts = t.below();
  experts.take("count", "num_local_experts");
  experts.take("per_token", "num_experts_per_tok");
  experts.take("hidden", "intermediate_size");
  t.say_map("experts", experts);
}

/// The number of leading layers without experts, from a list of layers that must be the first ones.
std::int64_t leading_layers(Translation& t, const char* from) {
  const NodePtr list = t.value(from);
  if (list == nullptr) return 0;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    if (list->items[i]->text != std::to_string(i))
      t.refuse(from, "layers without experts between others cannot be described",
               "the first layers, in order");
  }
  return static_cast<std::int64_t>(list->items.size());
}

void qwen3_moe(Translation& t) {
  translate_llama_sizes(t);
  t.say("qk_norm", "true");
  translate_attention_bias(t);
  if (t.whole_or("decoder_sparse_step", 1) != 1)
    t.refuse("decoder_sparse_step", "experts in some layers only cannot be described", "1");
  Translation experts = t.below();
  experts.take("count", "num_experts");
  experts.take("per_token", "num_experts_per_tok");
  experts.take("hidden", "moe_intermediate_size");
  experts.say("dense_layers", leading_layers(t, "mlp_only_layers"));
  t.say_map("experts", experts);
}

/// The clamp in gpt-oss's activation is ignored.
void gpt_oss(Translation& t) {
  translate_llama_sizes(t);
  if (!t.flag("attention_bias", true))
    t.refuse("attention_bias", "a gpt-oss without biases of attention cannot be described",
             "attention_bias: true");
  t.say("biases", "all");
  t.say("attention_sinks", "true");
  Translation experts = t.below();
  experts.take("count", "num_local_experts");
  experts.take("per_token", t.has("num_experts_per_tok") ? "num_experts_per_tok" : "experts_per_token");
  experts.take("hidden", "intermediate_size");
  t.say_map("experts", experts);
}

void deepseek(Translation& t, bool score_bias) {
  t.take("layers", "num_hidden_layers");
  t.take("hidden", "hidden_size");
  t.take("ffn_hidden", "intermediate_size");
  t.take("heads", "num_attention_heads");
  t.take("vocab", "vocab_size");
  t.take_if("tied_embeddings", "tie_word_embeddings");
  if (t.flag("attention_bias", false))
    t.refuse("attention_bias", "latent attention with biases cannot be described", "attention_bias: false");

  Translation latent = t.below();
  latent.say("kind", "mla");
  latent.take_if("q_rank", "q_lora_rank");
  latent.take("kv_rank", "kv_lora_rank");
  latent.take("nope_head_dim", "qk_nope_head_dim");
  latent.take("rope_head_dim", "qk_rope_head_dim");
  latent.take("v_head_dim", "v_head_dim");
  t.say_map("attention", latent);

  if (!t.has("n_routed_experts")) return;
  if (t.whole_or("moe_layer_freq", 1) != 1)
    t.refuse("moe_layer_freq", "experts in some layers only cannot be described", "1");
  Translation experts = t.below();
  experts.take("count", "n_routed_experts");
  experts.take("per_token", "num_experts_per_tok");
  experts.take("hidden", "moe_intermediate_size");
  experts.say("shared_hidden",
              checked_product(t.whole_or("n_shared_experts", 0), t.whole("moe_intermediate_size")));
  experts.say("dense_layers", t.whole_or("first_k_dense_replace", 0));
  if (score_bias) experts.say("score_bias", "true");
  t.say_map("experts", experts);
}

void deepseek_v2(Translation& t) { deepseek(t, false); }
/// DeepSeek-V3's layers that predict further tokens are ignored.
void deepseek_v3(Translation& t) { deepseek(t, t.text("topk_method", "noaux_tc") == "noaux_tc"); }

}  // namespace

std::vector<Family> expert_families() {
  constexpr WindowRule kAll{.layers = WindowedLayers::all};
  constexpr WindowRule kIfUsed{.layers = WindowedLayers::all_if_used};
  constexpr WindowRule kAlternate{.layers = WindowedLayers::alternate, .usual = 128};
  return {
      {"Mixtral", "mixtral", mixtral, kAll},      {"Qwen3Moe", "qwen3_moe", qwen3_moe, kIfUsed},
      {"DeepseekV2", "deepseek_v2", deepseek_v2}, {"DeepseekV3", "deepseek_v3", deepseek_v3},
      {"GptOss", "gpt_oss", gpt_oss, kAlternate},
  };
}

}  // namespace foreshard::detail
