#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"

/// Families without experts that do not descend from Llama: LayerNorm, an FFN of two matrices, other positions.
namespace foreshard::detail {

namespace {

void say_layernorm(Model& m, bool biases) {
  m.t.say("norm", "layernorm");
  if (biases) m.t.say("biases", "all");
}

/// The sizes of GPT-2 and its like.
void say_gpt_sizes(Model& m) {
  m.t.take("hidden", "n_embd");
  m.t.take("heads", "n_head");
  m.t.take("vocab", "vocab_size");
  m.t.say("ffn_hidden", m.t.has("n_inner") ? m.t.whole("n_inner") : 4 * m.t.whole("n_embd"));
  m.t.say("positions", "learned");
  m.t.take("max_positions", "n_positions");
  say_layernorm(m, true);
  say_tied(m, true);
}

void gpt2(Model& m) {
  say_gpt_sizes(m);
  say_plain(m, "activation_function", "gelu_new");
  if (m.t.flag("add_cross_attention", false))
    m.t.refuse("add_cross_attention", "cross-attention cannot be described", "false");
}

void gpt_bigcode(Model& m) {
  say_gpt_sizes(m);
  if (m.t.flag("multi_query", true)) m.t.say("kv_heads", 1);
  say_plain(m, "activation_function", "gelu_pytorch_tanh");
  m.t.knows({"attention_softmax_in_fp32", "scale_attention_softmax_in_fp32", "inference_runner",
             "pre_allocate_kv_cache", "validate_runner_input"});
}

/// In GPT-NeoX attention and FFN run in parallel, each after its own norm.
void gpt_neox(Model& m) {
  say_sizes(m);
  say_layernorm(m, true);
  if (!m.t.flag("attention_bias", true))
    m.t.refuse("attention_bias", "a GPT-NeoX without biases of attention cannot be described",
               "attention_bias: true");
  say_tied(m, false);
  say_plain(m, "hidden_act", "gelu");
  say_partial_rotary(m, 0.25);
  if (m.t.flag("use_parallel_residual", true)) m.t.say("parallel_residual", "true");
}

void phi(Model& m) {
  say_sizes(m);
  say_heads(m);
  say_layernorm(m, true);
  m.t.say("norms_per_layer", 1);
  say_tied(m, false);
  say_plain(m, "hidden_act", "gelu_new");
  say_partial_rotary(m, 0.5);
  if (m.t.flag("qk_layernorm", false))
    m.t.refuse("qk_layernorm", "norms of queries and keys with biases cannot be described", "false");
  m.t.note("the output head's bias is left out");
}

void falcon(Model& m) {
  Translation& t = m.t;
  t.take("hidden", "hidden_size");
  t.take("heads", t.one_of({"num_attention_heads", "n_head"}));
  t.take("vocab", "vocab_size");
  t.say("ffn_hidden", t.whole_or("ffn_hidden_size", 4 * t.whole("hidden_size")));
  const bool is_new = t.flag("new_decoder_architecture", false);
  const bool is_parallel = t.flag("parallel_attn", true);
  if (is_new)
    t.take("kv_heads", t.one_of({"num_kv_heads", "n_head_kv"}));
  else if (t.flag("multi_query", true))
    t.say("kv_heads", 1);
  t.knows({"num_kv_heads", "n_head_kv", "multi_query"});
  say_layernorm(m, t.flag("bias", false));
  const std::int64_t norms = is_new ? t.whole_or("num_ln_in_parallel_attn", 2) : 1;
  if ((is_new || is_parallel) && norms == 1)
    t.say("norms_per_layer", 1);
  else if (is_new || is_parallel)
    t.say("parallel_residual", "true");
  if (t.flag("alibi", false)) t.say("positions", "alibi");
  say_tied(m, true);
  say_plain(m, "activation", "gelu");
}

void bloom(Model& m) {
  Translation& t = m.t;
  const char* const hidden = t.one_of({"hidden_size", "n_embed"});
  t.take("hidden", hidden);
  t.take("heads", t.one_of({"num_attention_heads", "n_head"}));
  t.take("vocab", "vocab_size");
  t.say("ffn_hidden", 4 * t.whole(hidden));
  t.say("ffn", "gelu");
  t.say("positions", "alibi");
  say_layernorm(m, true);
  say_tied(m, true);
  t.note("the norm after the embedding is left out");
  t.knows({"masked_softmax_fusion", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "slow_but_exact",
           "bias_dropout_fusion"});
}

void opt(Model& m) {
  Translation& t = m.t;
  say_stream(m);
  t.take("ffn_hidden", "ffn_dim");
  // The table has two rows more than positions.
  t.say("positions", "learned");
  t.say("max_positions", t.whole("max_position_embeddings") + 2);
  say_layernorm(m, t.flag("enable_bias", true));
  say_tied(m, true);
  say_plain(m, "activation_function", "relu");
  if (t.has("word_embed_proj_dim") && t.whole("word_embed_proj_dim") != t.whole("hidden_size"))
    t.refuse("word_embed_proj_dim", "an embedding narrower than the stream cannot be described",
             fmt::format("{}", t.whole("hidden_size")));
  t.knows({"do_layer_norm_before", "layer_norm_elementwise_affine", "_remove_final_layer_norm"});
}

void starcoder2(Model& m) {
  say_sizes(m);
  say_heads(m);
  say_layernorm(m, m.t.flag("use_bias", true));
  say_tied(m, true);
  say_plain(m, "hidden_act", "gelu_pytorch_tanh");
  say_windows(m, {.layers = WindowRule::Layers::all});
  m.t.knows({"mlp_type", "norm_type"});
}

void stablelm(Model& m) {
  say_llama(m);
  m.t.say("norm", "layernorm");
  if (m.t.flag("use_qkv_bias", false)) m.t.say("biases", "qkv");
  say_partial_rotary(m, 0.25);
  if (m.t.flag("use_parallel_residual", false)) m.t.say("norms_per_layer", 1);
  if (m.t.flag("qk_layernorm", false))
    m.t.refuse("qk_layernorm", "a norm for every head of its own cannot be described", "false");
}

/// Attention and FFN in parallel after one LayerNorm without bias, which has the weights of an RMSNorm.
void cohere(Model& m) {
  say_llama(m, true);
  m.t.say("norms_per_layer", 1);
  say_attention_bias(m);
  if (m.t.flag("use_qk_norm", false)) say_qk_norm(m, QkNorm::whole);
  m.t.knows({"layer_norm_bias", "use_parallel_block", "use_parallel_embedding", "use_embedding_sharing",
             "use_gated_activation", "rotary_pct", "position_embedding_type", "order_of_interleaved_layers"});
  m.t.note("layernorms without biases are planned as RMSNorms, which have the same weights");
}

/// Layers with windows have rotary positions, the others none.
void cohere2(Model& m) {
  cohere(m);
  say_windows(m, {.layers = WindowRule::Layers::but_last_of, .usual = 4096, .period = 4});
  Translation attention = m.t.below();
  attention.say("positions", "none");
  describe_attention(m, kFull, attention);
}

/// An encoder. What its checkpoint has beside the layers and the table of words is left out.
void bert(Model& m) {
  say_sizes(m);
  say_layernorm(m, true);
  m.t.say("positions", "learned");
  m.t.take("max_positions", "max_position_embeddings");
  m.t.say("causal", "false");
  say_tied(m, true);
  say_plain(m, "hidden_act", "gelu");
  m.t.knows({"type_vocab_size", "position_embedding_type"});
  m.t.note("token types, the pooler and the heads of pre-training are left out, but for the output product");
}

}  // namespace

std::vector<Family> older_families() {
  return {
      {"Cohere2", "cohere2", cohere2},
      {"Cohere", "cohere", cohere},
      {"Starcoder2", "starcoder2", starcoder2},
      {"StableLm", "stablelm", stablelm},
      {"Phi", "phi", phi},
      {"Falcon", "falcon", falcon},
      {"GPTBigCode", "gpt_bigcode", gpt_bigcode},
      {"Bloom", "bloom", bloom},
      {"OPT", "opt", opt},
      {"GPTNeoX", "gpt_neox", gpt_neox},
      {"GPT2", "gpt2", gpt2},
      {"Bert", "bert", bert},
  };
}

}  // namespace foreshard::detail
