#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"
#include "planner/units/count.hpp"

/// Families whose layers differ in more than windows: state-space and linear mixers, layers with one sublayer,
/// layers of different widths.
namespace foreshard::detail {

namespace {

constexpr const char* kNoMixer = "no-mixer";

void describe_linear(Model& m, const std::string& word, const char* mixer, const Translation& sizes) {
  Translation kind = m.t.below();
  kind.say("mixer", mixer);
  kind.say_map(mixer, sizes);
  m.layers.describe_mixer(word, kind);
}

void describe_no_mixer(Model& m) {
  Translation kind = m.t.below();
  kind.say("mixer", "none");
  m.layers.describe_mixer(kNoMixer, kind);
}

/// Three layers with a gated delta net, then one with attention.
void say_delta_net(Model& m) {
  Translation& t = m.t;
  Translation net = t.below();
  net.say("key_heads", t.whole_or("linear_num_key_heads", 16));
  net.say("value_heads", t.whole_or("linear_num_value_heads", 32));
  net.say("key_head_dim", t.whole_or("linear_key_head_dim", 128));
  net.say("value_head_dim", t.whole_or("linear_value_head_dim", 128));
  net.say("conv_kernel", t.whole_or("linear_conv_kernel_dim", 4));
  describe_linear(m, "delta", "gated-delta-net", net);
  const std::vector<std::string> types = layer_types(m);
  const std::int64_t interval = std::max<std::int64_t>(1, t.whole_or("full_attention_interval", 4));
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer) {
    const bool by_interval = (static_cast<std::int64_t>(layer) + 1) % interval != 0;
    const bool is_linear = types.empty() ? by_interval : types[layer] == "linear_attention";
    if (!types.empty() && !is_linear && types[layer] != "full_attention")
      return t.refuse("layer_types", "an unknown layer type " + quote(types[layer]),
                      "known here: full_attention, linear_attention");
    m.layers.set_mixer(layer, is_linear ? "delta" : kFull);
  }
}

/// What Qwen3-Next and Qwen3.5 share. Their attention has a gate on its output and rotates a quarter of a head.
void say_qwen_next(Model& m) {
  Translation& t = m.t;
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  if (t.flag("attn_output_gate", true)) m.attention.say("gate", "elementwise");
  say_partial_rotary(m, 0.25);
  say_delta_net(m);
  say_mtp(m);
  t.knows({"output_gate_type"});
}

void qwen3_next(Model& m) {
  m.t.take_if("ffn_hidden", "intermediate_size");
  say_qwen_next(m);
  say_experts(m, {.shared_gate = true});
  say_expert_layers(m);
}

void qwen3_5(Model& m) {
  m.t.take("ffn_hidden", "intermediate_size");
  say_qwen_next(m);
}

/// Kimi Linear: delta attention, and latent attention without rotary positions. Lists count layers from 1.
void kimi_linear(Model& m) {
  Translation& t = m.t;
  say_sizes(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_latent(m);
  if (t.flag("mla_use_nope", false)) t.say("positions", "none");
  if (t.flag("mla_use_output_gate", false)) m.attention.say("gate", "elementwise");
  say_experts(m, {.score_bias = true});
  say_expert_layers(m);
  say_mtp(m);
  t.knows({"moe_router_activation_func"});
  const auto linear = t.inside("linear_attn_config");
  if (!linear) return t.refuse("linear_attn_config", "nothing says which layers have linear attention");
  Translation delta = t.below();
  delta.say("heads", linear->whole("num_heads"));
  delta.say("head_dim", linear->whole("head_dim"));
  delta.say("conv_kernel", linear->whole_or("short_conv_kernel_size", 4));
  linear->knows({"full_attn_layers"});
  describe_linear(m, "delta", "kimi-delta", delta);
  const std::vector<std::int64_t> listed = linear->whole_list("kda_layers");
  const std::set<std::int64_t> with_delta(listed.begin(), listed.end());
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer)
    m.layers.set_mixer(layer, with_delta.contains(static_cast<std::int64_t>(layer) + 1) ? "delta" : kFull);
}

/// The keys by which a family says the sizes of its Mamba-2 layers.
struct MambaKeys {
  const char* heads;
  const char* head_dim;
  const char* groups;
  const char* state;
  const char* conv;
  const char* chunk;
  const char* conv_bias;
  const char* projection_bias;
};

void say_mamba(Model& m, const MambaKeys& keys) {
  Translation& t = m.t;
  Translation mamba = t.below();
  mamba.take("heads", keys.heads);
  const NodePtr head_dim = t.value(keys.head_dim);
  const std::int64_t inner =
      checked_product(t.whole_or(t.one_of({"expand", "mamba_expand"}), 2), t.whole_or("hidden_size", 0));
  if (head_dim == nullptr || head_dim->text == "auto")
    mamba.say("head_dim", inner / std::max<std::int64_t>(1, t.whole_or(keys.heads, 1)));
  else
    mamba.take("head_dim", keys.head_dim);
  mamba.take_if("groups", keys.groups);
  mamba.take("state_dim", keys.state);
  mamba.take_if("conv_kernel", keys.conv);
  mamba.take_if("chunk", keys.chunk);
  mamba.say("conv_bias", t.flag(keys.conv_bias, true) ? "true" : "false");
  mamba.say("projection_bias", t.flag(keys.projection_bias, false) ? "true" : "false");
  describe_linear(m, "mamba", "mamba2", mamba);
}

/// The sublayer of each layer of Nemotron-H, by "layers_block_type" or by the letters of
/// "hybrid_override_pattern".
std::vector<std::string> nemotron_blocks(const Model& m) {
  static const std::map<char, const char*> kLetters{
      {'M', "mamba"}, {'*', "attention"}, {'-', "mlp"}, {'E', "moe"}};
  std::vector<std::string> blocks = m.t.word_list("layers_block_type");
  const std::string letters = m.t.text("hybrid_override_pattern", "");
  if (!blocks.empty()) return blocks;
  for (const char letter : letters) {
    const auto known = kLetters.find(letter);
    if (known == kLetters.end()) {
      m.t.refuse("hybrid_override_pattern", fmt::format("'{}' is no known layer", letter),
                 "M (Mamba-2), * (attention), - (dense FFN), E (experts)");
      return {};
    }
    blocks.emplace_back(known->second);
  }
  return blocks;
}

void set_nemotron_block(Model& m, std::size_t layer, const std::string& block) {
  if (block == "mamba" || block == "attention") {
    m.layers.set_mixer(layer, block == "mamba" ? "mamba" : "attention");
    m.layers.set_ffn(layer, kNoFfn);
  } else if (block == "mlp" || block == "moe") {
    m.layers.set_mixer(layer, kNoMixer);
    m.layers.set_ffn(layer, block == "mlp" ? kDense : kExperts);
  } else {
    m.t.refuse("layers_block_type", quote(block) + " is no known layer", "known: mamba, attention, mlp, moe");
  }
}

/// Each layer of Nemotron-H has one sublayer. Its attention has no positions.
void nemotron_h(Model& m) {
  Translation& t = m.t;
  t.take_if("ffn_hidden", "intermediate_size");
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_plain(m, "mlp_hidden_act", "relu2");
  t.say("positions", "none");
  t.knows({"partial_rotary_factor", "sliding_window", "expand", "mamba_hidden_act"});
  if (t.flag("attention_bias", false) || t.flag("mlp_bias", false))
    t.refuse(t.flag("mlp_bias", false) ? "mlp_bias" : "attention_bias", "biases cannot be described here",
             "false");
  const bool bias = t.flag("use_bias", false) || t.flag("mamba_proj_bias", false);
  say_mamba(m, {.heads = "mamba_num_heads",
                .head_dim = "mamba_head_dim",
                .groups = "n_groups",
                .state = "ssm_state_size",
                .conv = "conv_kernel",
                .chunk = "chunk_size",
                .conv_bias = "use_conv_bias",
                .projection_bias = bias ? "use_bias" : "mamba_proj_bias"});
  describe_no_mixer(m);
  const std::vector<std::string> blocks = nemotron_blocks(m);
  if (blocks.size() != m.layers.layers())
    return t.refuse(t.has("layers_block_type") ? "layers_block_type" : "hybrid_override_pattern",
                    fmt::format("{} layers of {}", blocks.size(), m.layers.layers()), "all layers");
  for (std::size_t layer = 0; layer < blocks.size(); ++layer) set_nemotron_block(m, layer, blocks[layer]);
  const bool has_experts = std::find(blocks.begin(), blocks.end(), "moe") != blocks.end();
  if (has_experts) say_experts(m, {.score_bias = true});
  say_mtp(m);
}

/// Granite 4: Mamba-2 or attention, then experts with a shared FFN, or only that.
void granite_hybrid(Model& m) {
  Translation& t = m.t;
  const bool has_experts = t.whole_or("num_local_experts", 0) > 0;
  if (has_experts)
    t.take_if("ffn_hidden", "intermediate_size");
  else
    t.take("ffn_hidden", "shared_intermediate_size");
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_attention_bias(m);
  if (t.text("position_embedding_type", "nope") != "rope") t.say("positions", "none");
  say_mamba(m, {.heads = "mamba_n_heads",
                .head_dim = "mamba_d_head",
                .groups = "mamba_n_groups",
                .state = "mamba_d_state",
                .conv = "mamba_d_conv",
                .chunk = "mamba_chunk_size",
                .conv_bias = "mamba_conv_bias",
                .projection_bias = "mamba_proj_bias"});
  t.knows({"mamba_expand", "normalization_function", "intermediate_size", "num_experts_per_tok",
           "shared_intermediate_size", "init_method"});
  if (has_experts) {
    say_experts(m, {.hidden = "intermediate_size"});
    say_expert_layers(m);
  }
  const std::vector<std::string> types = layer_types(m);
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer) {
    const bool is_mamba = types.empty() || types[layer] == "mamba";
    m.layers.set_mixer(layer, is_mamba ? "mamba" : "attention");
  }
}

/// Mamba-2 layers with attention between some of them, and a dense FFN in each.
void bamba(Model& m) {
  Translation& t = m.t;
  say_llama(m);
  say_partial_rotary(m, 0.5);
  say_mamba(m, {.heads = "mamba_n_heads",
                .head_dim = "mamba_d_head",
                .groups = "mamba_n_groups",
                .state = "mamba_d_state",
                .conv = "mamba_d_conv",
                .chunk = "mamba_chunk_size",
                .conv_bias = "mamba_conv_bias",
                .projection_bias = "mamba_proj_bias"});
  t.knows({"mamba_expand"});
  const std::vector<std::int64_t> listed = t.whole_list("attn_layer_indices");
  const std::set<std::int64_t> attends(listed.begin(), listed.end());
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer)
    m.layers.set_mixer(layer, attends.contains(static_cast<std::int64_t>(layer)) ? "attention" : "mamba");
}

/// The width of a layer's FFN in an architecture that was searched for (Puzzle, arXiv:2411.19146): a multiple
/// of two thirds of the stream's, rounded up to 256.
std::int64_t searched_ffn_hidden(const Translation& ffn, std::int64_t hidden) {
  if (ffn.has("intermediate_size")) return ffn.whole("intermediate_size");
  const double width = 2.0 * ffn.real_or("ffn_mult", 1.0) * static_cast<double>(hidden) / 3.0;
  return round_up<std::int64_t>(static_cast<std::int64_t>(width), 256);
}

/// One layer of "block_configs".
void set_searched_block(Model& m, std::size_t layer, const Translation& block) {
  const std::int64_t heads = m.t.whole_or("num_attention_heads", 1);
  const auto attention = block.inside("attention");
  const auto ffn = block.inside("ffn");
  if (!attention || !ffn)
    return block.refuse("attention", "a block needs attention and ffn", "as in {attention: {…}, ffn: {…}}");
  for (const Translation* const part : {&*attention, &*ffn}) {
    part->knows({"sparsify", "unshifted_sink", "use_prefill_window_in_sink_attention", "n_heads_in_group",
                 "window_length", "ffn_mult"});
    if (part->flag("replace_with_linear", false))
      part->refuse("replace_with_linear", "a product in the place of a sublayer cannot be described",
                   "false");
    if (part->has("num_sink_tokens"))
      part->refuse("num_sink_tokens", "attention to sink tokens cannot be described", "null");
  }
  if (attention->flag("no_op", false)) {
    m.layers.set_mixer(layer, kNoMixer);
  } else {
    const std::int64_t kv_heads =
        attention->has("num_key_value_heads")
            ? attention->whole("num_key_value_heads")
            : heads / std::max<std::int64_t>(1, attention->whole_or("n_heads_in_group", 1));
    const std::int64_t window = attention->whole_or("window_length", 0);
    const std::string word =
        window > 0 ? fmt::format("kv{}-w{}", kv_heads, window) : fmt::format("kv{}", kv_heads);
    Translation keys = m.t.below();
    keys.say("kv_heads", kv_heads);
    if (window > 0) keys.say("window", window);
    describe_attention(m, word, keys);
    m.layers.set_mixer(layer, word);
  }
  if (ffn->flag("no_op", false)) return m.layers.set_ffn(layer, kNoFfn);
  const std::int64_t width = searched_ffn_hidden(*ffn, m.t.whole_or("hidden_size", 1));
  const std::string word = fmt::format("ffn{}", width);
  Translation keys = m.t.below();
  keys.say("ffn_hidden", width);
  m.layers.describe_ffn(word, keys);
  m.layers.set_ffn(layer, word);
}

/// Nemotron's models from a search over Llama's layers: each layer says its kv heads and its FFN's width.
void deci(Model& m) {
  Translation& t = m.t;
  say_stream(m);
  t.take_if("kv_heads", "num_key_value_heads");
  t.take_if("head_dim", "head_dim");
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  if (t.flag("attention_bias", false)) t.say("biases", "attention");
  if (t.flag("mlp_bias", false)) t.refuse("mlp_bias", "biases of the FFN cannot be described here", "false");
  t.knows({"intermediate_size", "num_key_value_heads_per_layer"});
  describe_no_mixer(m);
  const NodePtr blocks = t.value("block_configs");
  if (blocks == nullptr || blocks->items.size() != m.layers.layers())
    return t.refuse("block_configs", "it does not describe every layer", "one block per layer");
  for (std::size_t layer = 0; layer < blocks->items.size(); ++layer)
    set_searched_block(m, layer, t.of(blocks->items[layer]));
}

/// Refuses what the small Gemmas have and no plan knows.
void refuse_small_gemma(const Model& m) {
  const Translation& t = m.t;
  if (t.whole_or("hidden_size_per_layer_input", 0) > 0)
    t.refuse("hidden_size_per_layer_input", "embeddings per layer cannot be described", "0");
  if (t.whole_or("num_kv_shared_layers", 0) > 0)
    t.refuse("num_kv_shared_layers", "layers that share keys and values cannot be described", "0");
  if (t.flag("use_double_wide_mlp", false))
    t.refuse("use_double_wide_mlp", "FFNs of double width cannot be described", "false");
  t.knows({"vocab_size_per_layer_input", "hidden_activation", "use_bidirectional_attention"});
}

/// Gemma 4: windows in five of six layers; the others have heads of their own, whose values are their keys.
/// Mixtures have experts beside the dense FFN, each with norms of its own.
void gemma4(Model& m) {
  Translation& t = m.t;
  refuse_small_gemma(m);
  say_sizes(m);
  t.take_if("kv_heads", "num_key_value_heads");
  t.say("head_dim", t.whole_or("head_dim", 256));
  say_tied(m, true);
  say_gated(m, "hidden_activation", "gelu_pytorch_tanh");
  say_qk_norm(m, QkNorm::each);
  say_attention_bias(m);
  t.say("norms_per_layer", 4);
  m.attention.say("v_norm", "true");
  const std::vector<std::string> types = layer_types(m);
  const bool values_are_keys = t.flag("attention_k_eq_v", false);
  Translation local = t.below();
  local.say("window", t.whole_or("sliding_window", 512));
  describe_attention(m, kLocal, local);
  Translation full = t.below();
  const std::int64_t head_dim = t.whole_or("global_head_dim", 512);
  full.say("head_dim", head_dim);
  if (values_are_keys) full.take_if("kv_heads", "num_global_key_value_heads");
  if (values_are_keys) full.say("values_are_keys", "true");
  t.knows({"num_global_key_value_heads"});
  if (const auto rope = t.inside("rope_parameters")) {
    rope->knows({"sliding_attention", "rope_type"});
    if (const auto global = rope->inside("full_attention")) {
      const double factor = global->real_or("partial_rotary_factor", 1.0);
      if (factor < 1.0)
        full.say("rotary_dim", static_cast<std::int64_t>(factor * static_cast<double>(head_dim)));
    }
  }
  describe_attention(m, kFull, full);
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer) {
    const bool is_local = types.empty() ? (layer + 1) % 6 != 0 : types[layer] == "sliding_attention";
    m.layers.set_mixer(layer, is_local ? kLocal : kFull);
  }
  t.knows({"num_experts", "top_k_experts", "moe_intermediate_size", "expert_intermediate_size"});
  if (!t.flag("enable_moe_block", false)) return;
  Translation experts = t.below();
  experts.take("count", "num_experts");
  experts.take("per_token", "top_k_experts");
  experts.take("hidden", t.one_of({"moe_intermediate_size", "expert_intermediate_size"}));
  experts.take("shared_hidden", "intermediate_size");
  experts.say("own_norms", "true");
  m.layers.set_experts(experts);
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer) m.layers.set_ffn(layer, kExperts);
}

}  // namespace

std::vector<Family> hybrid_families() {
  return {
      {"Gemma4", "gemma4", gemma4},
      {"Qwen3_5Moe", "qwen3_5_moe", qwen3_next},
      {"Qwen3_5", "qwen3_5", qwen3_5},
      {"NemotronH", "nemotron_h", nemotron_h},
      {"KimiLinear", "kimi_linear", kimi_linear},
      {"Qwen3Next", "qwen3_next", qwen3_next},
      {"GraniteMoeHybrid", "granitemoehybrid", granite_hybrid},
      {"DeciLM", "nemotron-nas", deci},
      {"Bamba", "bamba", bamba},
  };
}

}  // namespace foreshard::detail
