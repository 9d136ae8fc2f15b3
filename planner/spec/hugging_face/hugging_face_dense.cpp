#include <algorithm>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"

/// Families of decoders without experts that descend from Llama: RMSNorm, rotary positions, mostly a gated FFN.
namespace foreshard::detail {

namespace {

using Windows = WindowRule::Layers;

/// Biases of attention, of the FFN, or of both. Those of the FFN alone cannot be described.
void say_llama_biases(Model& m) {
  const bool attention = m.t.flag(m.t.one_of({"attention_bias", "qkv_bias", "use_bias", "bias"}), false);
  const bool ffn = m.t.flag("mlp_bias", false);
  if (ffn && !attention)
    m.t.refuse("mlp_bias", "biases of the FFN alone cannot be described", "mlp_bias: false");
  if (attention) m.t.say("biases", ffn ? "all" : "attention");
}

/// Marks the layers without rotary positions. @pre the mixers of the layers are set
void say_without_positions(Model& m, const std::vector<bool>& without) {
  for (std::size_t layer = 0; layer < without.size(); ++layer) {
    if (!without[layer]) continue;
    const bool is_local = m.layers.mixer(layer) == kLocal;
    const std::string word = is_local ? "local-nope" : "nope";
    Translation attention = m.t.below();
    if (is_local) attention.say("window", m.t.whole("sliding_window"));
    attention.say("positions", "none");
    describe_attention(m, word, attention);
    m.layers.set_mixer(layer, word);
  }
  const bool some = std::find(without.begin(), without.end(), true) != without.end();
  if (!some) return;
  for (std::size_t layer = 0; layer < without.size(); ++layer) {
    if (m.layers.mixer(layer).empty()) m.layers.set_mixer(layer, kFull);
  }
}

void llama(Model& m) {
  say_llama(m);
  say_llama_biases(m);
  say_partial_rotary(m);
  say_windows(m, {});
}

void mistral(Model& m) {
  say_llama(m);
  say_partial_rotary(m);
  say_windows(m, {.layers = Windows::all, .usual = 4096});
}

void phi3(Model& m) {
  say_llama(m);
  say_partial_rotary(m);
  say_windows(m, {.layers = Windows::all});
}

void qwen2(Model& m) {
  say_llama(m);
  m.t.say("biases", "qkv");
  say_windows(m, {.layers = Windows::upper});
}

/// MiMo is a Qwen 2 with layers of multi-token prediction.
void mimo(Model& m) {
  say_llama(m);
  say_attention_bias(m, true, false);
  say_windows(m, {.layers = Windows::upper});
  say_mtp(m);
}

void qwen3(Model& m) {
  say_llama(m);
  say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  say_windows(m, {.layers = Windows::upper});
}

void seed_oss(Model& m) {
  say_llama(m);
  const bool output = m.t.flag("attention_out_bias", false);
  if (m.t.flag("mlp_bias", false))
    m.t.refuse("mlp_bias", "biases of the FFN cannot be described here", "mlp_bias: false");
  say_attention_bias(m, true, output);
}

/// One norm before and one after each sublayer.
void glm4(Model& m) {
  say_llama(m);
  m.t.say("norms_per_layer", 4);
  say_attention_bias(m, false, false);
  say_partial_rotary(m, 0.5);
}

void glm(Model& m) {
  say_llama(m);
  say_attention_bias(m, false, false);
  say_partial_rotary(m, 0.5);
}

/// In OLMo 2 the norms come after the sublayers. That changes neither weights nor work.
void olmo2(Model& m) {
  say_llama(m);
  say_qk_norm(m, QkNorm::whole);
  say_attention_bias(m);
}

void olmo3(Model& m) {
  olmo2(m);
  say_windows(m, {.layers = Windows::but_last_of, .usual = 4096, .period = 4});
}

/// Every fourth layer has no rotary positions.
void smollm3(Model& m) {
  say_llama(m, true);
  say_llama_biases(m);
  say_windows(m, {.layers = Windows::upper});
  say_without_positions(m, without_positions(m, 4));
}

/// Norms after the sublayers; where some layers have windows, the others have no rotary positions.
void exaone4(Model& m) {
  say_llama(m);
  say_qk_norm(m, QkNorm::each);
  say_windows(m, {.layers = Windows::but_last_of, .usual = 4096, .period = 4});
  std::vector<bool> without;
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer)
    without.push_back(m.layers.mixer(layer) == kFull);
  say_without_positions(m, without);
}

void exaone(Model& m) {
  m.t.take("ffn_hidden", "intermediate_size");
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "activation_function", "silu");
}

void hunyuan_dense(Model& m) {
  say_llama(m);
  say_llama_biases(m);
  if (m.t.flag("use_qk_norm", true)) say_qk_norm(m, QkNorm::each);
  if (m.t.flag("use_cla", false))
    m.t.refuse("use_cla", "keys and values shared by several layers cannot be described", "false");
  m.t.knows({"cla_share_factor"});
}

void ernie(Model& m) {
  say_llama(m, true);
  if (m.t.flag("use_bias", false)) m.t.say("biases", "all");
}

void arcee(Model& m) {
  say_sizes(m);
  say_heads(m);
  say_tied(m, false);
  say_plain(m, "hidden_act", "relu2");
  say_llama_biases(m);
}

void apertus(Model& m) {
  say_sizes(m);
  say_heads(m);
  say_tied(m, false);
  say_plain(m, "hidden_act", "xielu");
  say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  m.t.knows({"post_norm", "qk_norm"});
}

void nemotron(Model& m) {
  say_sizes(m);
  say_heads(m);
  say_tied(m, false);
  say_plain(m, "hidden_act", "relu2");
  m.t.say("norm", "layernorm");
  say_llama_biases(m);
  say_partial_rotary(m, 0.5);
}

void internlm(Model& m) {
  say_llama(m);
  if (m.t.flag("bias", true)) m.t.say("biases", "attention");
}

void gemma(Model& m) {
  say_sizes(m);
  m.t.take_if("kv_heads", "num_key_value_heads");
  m.t.say("head_dim", m.t.whole_or("head_dim", 256));
  say_tied(m, true);
  say_gated(m, m.t.has("hidden_activation") ? "hidden_activation" : "hidden_act", "gelu_pytorch_tanh");
  m.t.knows({"hidden_act"});
  say_attention_bias(m);
}

/// Norms before and after each sublayer.
void gemma2(Model& m) {
  gemma(m);
  m.t.say("norms_per_layer", 4);
  say_windows(m, {.layers = Windows::alternate, .usual = 4096});
}

/// Files of Gemma 3 leave out what is as in its class.
void gemma3(Model& m) {
  m.t.take("ffn_hidden", "intermediate_size");
  m.t.take("hidden", "hidden_size");
  m.t.take_or("heads", "num_attention_heads", 8);
  m.t.take_or("kv_heads", "num_key_value_heads", 4);
  m.t.take_or("head_dim", "head_dim", 256);
  m.t.take_or("vocab", "vocab_size", 262208);
  say_tied(m, true);
  say_gated(m, "hidden_activation", "gelu_pytorch_tanh");
  say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  m.t.say("norms_per_layer", 4);
  say_windows(m, {.layers = Windows::but_last_of, .usual = 4096, .period = 6});
}

}  // namespace

std::vector<Family> dense_families() {
  return {
      {"SmolLM3", "smollm3", smollm3},
      {"Apertus", "apertus", apertus},
      {"SeedOss", "seed_oss", seed_oss},
      {"Ernie4_5", "ernie4_5", ernie},
      {"HunYuanDenseV1", "hunyuan_v1_dense", hunyuan_dense},
      {"Exaone4", "exaone4", exaone4},
      {"Arcee", "arcee", arcee},
      {"Olmo3", "olmo3", olmo3},
      {"MiMo", "mimo", mimo},
      {"Qwen3VL", "qwen3_vl", qwen3},
      {"Qwen3", "qwen3", qwen3},
      {"Glm4v", "glm4v", glm4},
      {"Glm4", "glm4", glm4},
      {"Glm", "glm", glm},
      {"Gemma3", "gemma3", gemma3},
      {"Ministral3", "ministral3", mistral},
      {"Mistral3", "mistral3", mistral},
      {"Olmo2", "olmo2", olmo2},
      {"Granite", "granite", llama},
      {"Qwen2_5_VL", "qwen2_5_vl", qwen2},
      {"Qwen2VL", "qwen2_vl", qwen2},
      {"Phi3", "phi3", phi3},
      {"Phi4MM", "phi4mm", phi3},
      {"Gemma2", "gemma2", gemma2},
      {"Gemma", "gemma", gemma},
      {"Nemotron", "nemotron", nemotron},
      {"Qwen2", "qwen2", qwen2},
      {"InternLM3", "internlm3", llama},
      {"InternLM2", "internlm2", llama},
      {"InternLM", "internlm", internlm},
      {"Exaone", "exaone", exaone},
      {"MiniCPM", "minicpm", ernie},
      {"Mistral", "mistral", mistral},
      {"Llama", "llama", llama},
  };
}

}  // namespace foreshard::detail
