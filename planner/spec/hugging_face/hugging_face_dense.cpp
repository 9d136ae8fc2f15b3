#include <map>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"

namespace foreshard::detail {

namespace {

/// Translates the activation of a gated FFN.
void translate_gated(Translation& t, const char* from, const std::string& fallback) {
  static const std::map<std::string, const char*> kKinds{{"silu", "swiglu"},
                                                         {"swish", "swiglu"},
                                                         {"gelu", "geglu"},
                                                         {"gelu_new", "geglu"},
                                                         {"gelu_pytorch_tanh", "geglu"},
                                                         {"sigmoid", "glu"}};
  const auto kind = kKinds.find(t.text(from, fallback));
  if (kind == kKinds.end())
    return t.refuse(from, "this activation of a gated FFN is not known",
                    "known: silu, swish, gelu, gelu_new, gelu_pytorch_tanh, sigmoid");
  t.say("ffn", kind->second);
}

/// Translates the activation of an FFN with two matrices.
void translate_plain(Translation& t, const char* from, const std::string& fallback) {
  static const std::map<std::string, const char*> kKinds{{"gelu", "gelu"},      {"gelu_new", "gelu"},
                                                         {"gelu_fast", "gelu"}, {"gelu_pytorch_tanh", "gelu"},
                                                         {"relu", "relu"},      {"relu2", "sqrelu"}};
  const auto kind = kKinds.find(t.text(from, fallback));
  if (kind == kKinds.end())
    return t.refuse(from, "this activation is not known",
                    "known: gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu, relu2");
  t.say("ffn", kind->second);
}

void translate_sizes(Translation& t) {
  t.take("layers", "num_hidden_layers");
  t.take("hidden", "hidden_size");
  t.take("ffn_hidden", "intermediate_size");
  t.take("heads", "num_attention_heads");
  t.take("vocab", "vocab_size");
}

void llama(Translation& t) {
  translate_llama_sizes(t);
  const bool attention = t.flag("attention_bias", false);
  const bool ffn = t.flag("mlp_bias", false);
  if (ffn && !attention)
    t.refuse("mlp_bias", "biases of the FFN alone cannot be described", "mlp_bias: false");
  if (attention) t.say("biases", ffn ? "all" : "attention");
}

void mistral(Translation& t) { translate_llama_sizes(t); }

void qwen2(Translation& t) {
  translate_llama_sizes(t);
  t.say("biases", "qkv");
}

void qwen3(Translation& t) {
  translate_llama_sizes(t);
  t.say("qk_norm", "true");
  translate_attention_bias(t);
}

/// Gemma 2 has norms before and after each sublayer. Soft-caps are ignored.
void gemma2(Translation& t) {
  translate_sizes(t);
  t.take_if("kv_heads", "num_key_value_heads");
  t.say("head_dim", t.whole_or("head_dim", 256));
  t.say("tied_embeddings", t.flag("tie_word_embeddings", true) ? "true" : "false");
  t.say("norms_per_layer", 4);
  translate_gated(t, t.has("hidden_activation") ? "hidden_activation" : "hidden_act", "gelu_pytorch_tanh");
  translate_attention_bias(t);
}

void gpt2(Translation& t) {
  t.take("layers", "n_layer");
  t.take("hidden", "n_embd");
  t.take("heads", "n_head");
  t.take("vocab", "vocab_size");
  t.say("ffn_hidden", t.has("n_inner") ? t.whole("n_inner") : 4 * t.whole("n_embd"));
  t.say("positions", "learned");
  t.take("max_positions", "n_positions");
  t.say("norm", "layernorm");
  t.say("biases", "all");
  t.say("tied_embeddings", t.flag("tie_word_embeddings", true) ? "true" : "false");
  translate_plain(t, "activation_function", "gelu_new");
}

/// In GPT-NeoX attention and FFN run in parallel, each after its own norm. They are planned one after the
/// other.
void gpt_neox(Translation& t) {
  translate_sizes(t);
  t.say("norm", "layernorm");
  t.say("biases", "all");
  if (!t.flag("attention_bias", true))
    t.refuse("attention_bias", "a GPT-NeoX without biases of attention cannot be described",
             "attention_bias: true");
  t.say("tied_embeddings", t.flag("tie_word_embeddings", false) ? "true" : "false");
  translate_plain(t, "hidden_act", "gelu");
}

/// In OLMo 2 the norms come after the sublayers. That changes neither weights nor work.
void olmo2(Translation& t) {
  translate_llama_sizes(t);
  t.say("qk_norm", "true");
  t.say("qk_norm_whole", "true");
  translate_attention_bias(t);
}

}  // namespace

void translate_llama_sizes(Translation& t) {
  translate_sizes(t);
  t.take_if("kv_heads", "num_key_value_heads");
  t.take_if("head_dim", "head_dim");
  t.take_if("tied_embeddings", "tie_word_embeddings");
  translate_gated(t, "hidden_act", "silu");
}

void translate_attention_bias(Translation& t) {
  if (t.flag("attention_bias", false)) t.say("biases", "attention");
}

std::vector<Family> dense_families() {
  constexpr WindowRule kAll{.layers = WindowedLayers::all};
  constexpr WindowRule kUpper{.layers = WindowedLayers::upper};
  constexpr WindowRule kAlternate{.layers = WindowedLayers::alternate, .usual = 4096};
  return {
      {"Llama", "llama", llama},
      {"Mistral", "mistral", mistral, kAll},
      {"Qwen2", "qwen2", qwen2, kUpper},
      {"Qwen3", "qwen3", qwen3, kUpper},
      {"GPT2", "gpt2", gpt2},
      {"Gemma2", "gemma2", gemma2, kAlternate},
      {"Olmo2", "olmo2", olmo2},
      {"GPTNeoX", "gpt_neox", gpt_neox},
      {"Phi3", "phi3", mistral, kAll},
  };
}

}  // namespace foreshard::detail
