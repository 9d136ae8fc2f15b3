#include "planner/spec/hugging_face/hugging_face_parts.hpp"

#include <cmath>
#include <map>

#include <fmt/core.h>

namespace foreshard::detail {

namespace {

/// The key that counts the layers; an empty text if only a list of layers does.
const char* layers_key(const Translation& t) {
  return t.one_of({"num_hidden_layers", "n_layer", "n_layers", "num_layers"});
}

/// The number of layers by a list or a word with one item per layer; 0 if there is none.
std::int64_t listed_layers(const Translation& t) {
  for (const char* const key : {"layers_block_type", "block_configs", "layer_types"}) {
    const NodePtr list = t.value(key);
    if (list != nullptr && list->kind == YamlNode::Kind::list)
      return static_cast<std::int64_t>(list->items.size());
  }
  return static_cast<std::int64_t>(t.text("hybrid_override_pattern", "").size());
}

constexpr std::int64_t kMostConfigLayers = 100'000;

/// The kinds of a prediction module's layers, where the file says them as Nemotron-H says its own: by words or
/// by letters.
std::vector<std::string> mtp_kinds(const Model& m) {
  static const std::map<std::string, const char*> kKinds{
      {"mamba", "mamba"}, {"attention", "attention"}, {"mlp", kDense}, {"moe", kExperts},
      {"M", "mamba"},     {"*", "attention"},         {"-", kDense},   {"E", kExperts}};
  std::vector<std::string> words = m.t.word_list("mtp_layers_block_type");
  for (const char letter : m.t.text("mtp_hybrid_override_pattern", "")) words.emplace_back(1, letter);
  std::vector<std::string> kinds;
  for (const std::string& word : words) {
    const auto known = kKinds.find(word);
    if (known != kKinds.end())
      kinds.emplace_back(known->second);
    else
      m.t.refuse(m.t.has("mtp_layers_block_type") ? "mtp_layers_block_type" : "mtp_hybrid_override_pattern",
                 quote(word) + " is no known layer", "mamba, attention, mlp, moe; M, *, -, E");
  }
  return kinds;
}

}  // namespace

NodePtr Model::result() {
  if (!attention.is_empty()) {
    Translation map = t.below();
    map.say("kind", form);
    map.add(attention.entries());
    t.say_map("attention", map);
  }
  layers.say(t);
  return t.result();
}

Model open_model(const Translation& config) {
  Translation t = config.below();
  const char* const key = layers_key(t);
  std::int64_t layers = t.has(key) ? 0 : listed_layers(t);
  if (layers > 0) {
    t.say("layers", layers);
  } else {
    t.take("layers", key);
    layers = t.has(key) ? t.whole(key) : 0;
  }
  return {.t = t,
          .attention = config.below(),
          .form = "softmax",
          .layers = LayerTable(std::min(layers, kMostConfigLayers))};
}

void say_stream(Model& m) {
  m.t.take("hidden", "hidden_size");
  m.t.take("heads", "num_attention_heads");
  m.t.take("vocab", "vocab_size");
}

void say_sizes(Model& m) {
  m.t.take("ffn_hidden", "intermediate_size");
  say_stream(m);
}

void say_heads(Model& m) {
  m.t.take_if("kv_heads", m.t.one_of({"num_key_value_heads", "num_attention_groups"}));
  m.t.take_if("head_dim", m.t.one_of({"head_dim", "attention_head_dim"}));
}

void say_tied(Model& m, bool usual) {
  m.t.say("tied_embeddings", m.t.flag("tie_word_embeddings", usual) ? "true" : "false");
}

void say_gated(Model& m, const char* from, const std::string& usual) {
  // swigluoai is gpt-oss's: a SwiGLU whose inputs are clamped.
  static const std::map<std::string, const char*> kKinds{
      {"silu", "swiglu"},    {"swish", "swiglu"},    {"swigluoai", "swiglu"},        {"gelu", "geglu"},
      {"gelu_new", "geglu"}, {"gelu_fast", "geglu"}, {"gelu_pytorch_tanh", "geglu"}, {"sigmoid", "glu"}};
  const auto kind = kKinds.find(m.t.text(from, usual));
  if (kind == kKinds.end())
    return m.t.refuse(from, "this activation of a gated FFN is not known",
                      "known: silu, swish, swigluoai, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, sigmoid");
  m.t.say("ffn", kind->second);
}

void say_plain(Model& m, const char* from, const std::string& usual) {
  static const std::map<std::string, const char*> kKinds{{"gelu", "gelu"},
                                                         {"gelu_new", "gelu"},
                                                         {"gelu_fast", "gelu"},
                                                         {"quick_gelu", "gelu"},
                                                         {"gelu_pytorch_tanh", "gelu"},
                                                         {"xielu", "gelu"},
                                                         {"relu", "relu"},
                                                         {"relu2", "sqrelu"}};
  const std::string word = m.t.text(from, usual);
  const auto kind = kKinds.find(word);
  if (kind == kKinds.end())
    return m.t.refuse(from, "this activation is not known",
                      "known: gelu, gelu_new, gelu_fast, quick_gelu, gelu_pytorch_tanh, xielu, relu, relu2");
  if (word == "xielu") m.t.note("the activation xielu is planned as gelu, without its two learned numbers");
  m.t.say("ffn", kind->second);
}

void say_qk_norm(Model& m, QkNorm norm) {
  if (norm == QkNorm::none) return;
  m.t.say("qk_norm", "true");
  if (norm == QkNorm::whole) m.t.say("qk_norm_whole", "true");
}

void say_attention_bias(Model& m, bool usual, bool output) {
  if (m.t.flag(m.t.one_of({"attention_bias", "use_qkv_bias", "qkv_bias"}), usual))
    m.t.say("biases", output ? "attention" : "qkv");
}

void say_partial_rotary(Model& m, double usual) {
  Translation& t = m.t;
  double factor = t.real_or(t.one_of({"partial_rotary_factor", "rotary_pct", "rope_pct"}), usual);
  if (const auto rope = t.inside("rope_parameters")) factor = rope->real_or("partial_rotary_factor", factor);
  std::int64_t head = t.whole_or(t.one_of({"head_dim", "attention_head_dim"}), 0);
  const std::int64_t heads = t.whole_or("num_attention_heads", 0);
  if (head == 0 && heads > 0) head = t.whole_or("hidden_size", 0) / heads;
  const auto by_factor = static_cast<std::int64_t>(std::floor(factor * static_cast<double>(head)));
  const std::int64_t rotary = t.whole_or("rotary_dim", by_factor);
  if (head > 0 && rotary > 0 && rotary < head) m.attention.say("rotary_dim", rotary);
}

std::vector<bool> without_positions(const Model& m, std::int64_t usual_interval) {
  const Translation& t = m.t;
  const std::int64_t interval = t.whole_or("no_rope_layer_interval", usual_interval);
  const std::vector<std::int64_t> listed = t.whole_list("no_rope_layers");
  std::vector<bool> without(m.layers.layers(), false);
  if (!listed.empty() && listed.size() < without.size()) {
    t.refuse("no_rope_layers", fmt::format("{} numbers for {} layers", listed.size(), without.size()),
             "one number per layer");
    return without;
  }
  for (std::size_t layer = 0; layer < without.size(); ++layer) {
    // The list says 1 for a layer with rotary positions, in spite of its name.
    if (!listed.empty())
      without[layer] = listed[layer] == 0;
    else
      without[layer] = interval > 0 && (static_cast<std::int64_t>(layer) + 1) % interval == 0;
  }
  return without;
}

void describe_attention(Model& m, const std::string& word, const Translation& attention) {
  Translation kind = m.t.below();
  if (!attention.is_empty()) kind.say_map("attention", attention);
  m.layers.describe_mixer(word, kind);
}

void say_llama(Model& m, bool tied) {
  say_sizes(m);
  say_heads(m);
  say_tied(m, tied);
  say_gated(m, "hidden_act", "silu");
}

void say_latent(Model& m) {
  Translation& latent = m.attention;
  m.form = "mla";
  latent.take_if("q_rank", "q_lora_rank");
  latent.take("kv_rank", "kv_lora_rank");
  latent.take("nope_head_dim", "qk_nope_head_dim");
  latent.take("rope_head_dim", "qk_rope_head_dim");
  latent.take("v_head_dim", "v_head_dim");
  // Sizes that follow from these, and that some files say again or use otherwise.
  m.t.knows({"num_key_value_heads", "head_dim", "qk_head_dim", "n_kv_heads"});
  if (m.t.flag("attention_bias", false))
    m.t.refuse("attention_bias", "latent attention with biases cannot be described", "attention_bias: false");
}

void leave_mtp_out(Model& m) {
  Translation& t = m.t;
  std::int64_t layers = t.whole_or(t.one_of({"num_nextn_predict_layers", "mtp_num_hidden_layers"}), 0);
  const std::int64_t modules = t.whole_or("num_mtp_modules", 0);
  const std::int64_t each = t.whole_or("mtp_transformer_layers", 1);
  if (layers == 0 && t.flag("use_mtp", modules > 0)) layers = modules * each;
  t.knows({"use_mtp"});
  if (layers > 0)
    t.note(fmt::format("{} layer{} of multi-token prediction {} left out", layers, layers == 1 ? "" : "s",
                       layers == 1 ? "is" : "are"));
}

void say_mtp(Model& m) {
  Translation& t = m.t;
  t.knows({"mtp_use_dedicated_embeddings", "index_share_for_mtp_iteration", "num_mtp_layers"});
  // Modules whose layers the file does not describe, and that published weights do not have.
  if (t.has("num_mtp_modules")) return leave_mtp_out(m);
  const char* const key = t.one_of({"num_nextn_predict_layers", "mtp_num_hidden_layers"});
  if (t.whole_or(key, 0) == 0) return;
  Translation mtp = t.below();
  mtp.take("layers", key);
  const std::vector<std::string> kinds = mtp_kinds(m);
  if (!kinds.empty()) mtp.say_list("pattern", kinds);
  t.say_map("mtp", mtp);
}

}  // namespace foreshard::detail
