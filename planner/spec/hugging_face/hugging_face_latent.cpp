#include <algorithm>

#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_parts.hpp"

/// Families with latent attention (MLA): DeepSeek and its descendants.
namespace foreshard::detail {

namespace {

void say_deepseek(Model& m, bool score_bias) {
  Translation& t = m.t;
  say_sizes(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  say_latent(m);
  say_mtp(m);
  if (!t.has("n_routed_experts")) return;
  say_experts(m, {.score_bias = score_bias});
  say_expert_layers(m);
}

void deepseek_v2(Model& m) { say_deepseek(m, false); }
void deepseek_v3(Model& m) { say_deepseek(m, true); }

/// The layers that choose keys anew; the others see the keys that the last such layer has chosen. By
/// "indexer_types", else every `index_topk_freq`-th after the first `index_skip_topk_offset`.
std::vector<bool> choosing_layers(const Model& m) {
  const Translation& t = m.t;
  const std::vector<std::string> types = layer_types(m, "indexer_types");
  const std::int64_t period = std::max<std::int64_t>(1, t.whole_or("index_topk_freq", 1));
  const std::int64_t offset = t.whole_or("index_skip_topk_offset", 1);
  if (t.has("index_topk_pattern") && types.empty())
    t.refuse("index_topk_pattern", "this pattern of indexers is not known", "null, with indexer_types");
  std::vector<bool> chooses;
  for (std::size_t layer = 0; layer < m.layers.layers(); ++layer) {
    const std::int64_t after = std::max<std::int64_t>(0, static_cast<std::int64_t>(layer) - offset + 1);
    chooses.push_back(types.empty() ? after % period == 0 : types[layer] == "full");
  }
  return chooses;
}

/// The indexer of DeepSeek-V3.2, which chooses the keys that a query sees.
void say_indexer(Model& m) {
  Translation indexer = m.t.below();
  indexer.take("heads", "index_n_heads");
  indexer.take("head_dim", "index_head_dim");
  indexer.take("top_k", "index_topk");
  m.attention.say_map("indexer", indexer);
  const std::vector<bool> chooses = choosing_layers(m);
  for (const std::string& type : layer_types(m)) {
    if (type != "deepseek_sparse_attention")
      return m.t.refuse("layer_types", "an unknown layer type " + quote(type),
                        "known here: deepseek_sparse_attention");
  }
  if (std::find(chooses.begin(), chooses.end(), false) == chooses.end()) return;
  Translation shared = m.t.below();
  shared.say("indexer", "shared");
  describe_attention(m, "shared", shared);
  for (std::size_t layer = 0; layer < chooses.size(); ++layer)
    m.layers.set_mixer(layer, chooses[layer] ? "choosing" : "shared");
}

void deepseek_v32(Model& m) {
  say_deepseek(m, true);
  say_indexer(m);
}

/// A mixer of DeepSeek-V4 by its compression ratio. Its model code compresses with overlap, and chooses keys with an
/// indexer, where the ratio is 4.
std::string compression_word(Model& m, std::int64_t ratio) {
  constexpr std::int64_t kWithIndexer = 4;
  Translation attention = m.t.below();
  const std::string word = ratio == 0              ? kLocal
                           : ratio == kWithIndexer ? "sparse"
                                                   : fmt::format("heavy{}", ratio);
  if (ratio > 0) attention.say("compression", ratio);
  if (ratio == kWithIndexer) {
    Translation indexer = m.t.below();
    indexer.take("heads", "index_n_heads");
    indexer.take("head_dim", "index_head_dim");
    indexer.take("top_k", "index_topk");
    attention.say_map("indexer", indexer);
  }
  describe_attention(m, word, attention);
  return word;
}

/// DeepSeek-V4: a window in each layer, and beside it compressed keys in most; several residual streams; a table of
/// experts by token in the first layers. The ratios of the layers of multi-token prediction follow those of the model.
void deepseek_v4(Model& m) {
  Translation& t = m.t;
  say_stream(m);
  say_heads(m);
  say_tied(m, false);
  say_gated(m, "hidden_act", "silu");
  m.form = "compressed";
  m.attention.take("q_rank", "q_lora_rank");
  m.attention.take("rope_head_dim", "qk_rope_head_dim");
  m.attention.take("output_rank", "o_lora_rank");
  m.attention.take("output_groups", "o_groups");
  t.take("window", "sliding_window");
  if (t.flag("attention_bias", false))
    t.refuse("attention_bias", "biases cannot be described here", "attention_bias: false");
  Translation hyper = t.below();
  hyper.take("streams", "hc_mult");
  t.say_map("hyper_connections", hyper);
  say_experts(m, {.score_bias = true});
  const std::int64_t hashed = t.whole_or("num_hash_layers", 0);
  Translation by_table = t.below();
  by_table.say("ffn", "experts");
  by_table.say("routing", "hash");
  m.layers.describe_ffn("hash", by_table);
  const std::int64_t predicted = t.whole_or("num_nextn_predict_layers", 0);
  const std::vector<std::int64_t> ratios = t.whole_list("compress_ratios");
  const std::size_t layers = m.layers.layers();
  if (ratios.size() < layers || ratios.size() > layers + static_cast<std::size_t>(predicted))
    return t.refuse("compress_ratios", fmt::format("{} ratios for {} layers", ratios.size(), layers),
                    "one ratio per layer, and one for each layer of multi-token prediction");
  for (std::size_t layer = 0; layer < layers; ++layer) {
    m.layers.set_mixer(layer, compression_word(m, ratios[layer]));
    m.layers.set_ffn(layer, static_cast<std::int64_t>(layer) < hashed ? "hash" : kExperts);
  }
  if (hashed > 0) t.note("the tables of layers with hash routing are not counted: they are no parameters");
  if (predicted == 0) return;
  Translation mtp = t.below();
  mtp.take("layers", "num_nextn_predict_layers");
  const std::string word = compression_word(m, ratios.size() > layers ? ratios[layers] : 0);
  mtp.say_list("pattern", {m.layers.add_mtp_kind(word, kExperts)});
  t.say_map("mtp", mtp);
}

/// GLM-4.7-Flash: GLM's experts with latent attention.
void glm4_moe_lite(Model& m) { say_deepseek(m, true); }

/// MiniCPM 3: latent attention without experts.
void minicpm3(Model& m) { say_deepseek(m, false); }

}  // namespace

std::vector<Family> latent_families() {
  return {
      {"DeepseekV4", "deepseek_v4", deepseek_v4},
      {"GlmMoeDsa", "glm_moe_dsa", deepseek_v32},
      {"Glm4MoeLite", "glm4_moe_lite", glm4_moe_lite},
      {"DeepseekV32", "deepseek_v32", deepseek_v32},
      {"KimiK25", "kimi_k25", deepseek_v3},
      {"KimiK2", "kimi_k2", deepseek_v3},
      {"KimiVL", "kimi_vl", deepseek_v3},
      {"DeepseekV3", "deepseek_v3", deepseek_v3},
      {"MiniCPM3", "minicpm3", minicpm3},
      {"DeepseekV2", "deepseek_v2", deepseek_v2},
  };
}

}  // namespace foreshard::detail
