#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "planner/spec/hugging_face/hugging_face_layers.hpp"
#include "planner/spec/megatron/megatron_parts.hpp"

namespace foreshard::detail {

namespace {

/// The layers as far as flags make them differ.
struct MegatronLayers {
  Translation blank;  ///< an empty map at the command's place, below which kinds of layers are described
  LayerTable table;
};

std::size_t layer_count(const FlagReader& flags) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(flags.whole_or("--num-layers", 0), 0, 100'000));
}

/// For each layer whether a flag is on in it: by a Python list with a number per layer, or by a period, where
/// `by_period` says it of the layer and the period.
template <class ByPeriod>
std::vector<bool> layers_by_frequency(const FlagReader& flags, std::string_view name, std::size_t layers,
                                      const ByPeriod& by_period) {
  std::vector<bool> is_on(layers, false);
  const std::optional<std::string> said = flags.text(name);
  if (!said) return is_on;
  if (const auto list = python_list(*said)) {
    if (list->size() != layers)
      flags.complain(name, fmt::format("{} numbers for {} layers", list->size(), layers),
                     "one number per layer");
    for (std::size_t layer = 0; layer < std::min(layers, list->size()); ++layer)
      is_on[layer] = (*list)[layer] != 0;
    return is_on;
  }
  const std::int64_t period = std::max<std::int64_t>(1, flags.whole_or(name, 1));
  for (std::size_t layer = 0; layer < layers; ++layer)
    is_on[layer] = by_period(static_cast<std::int64_t>(layer), period);
  return is_on;
}

void describe(MegatronLayers& layers, const std::string& word, const Translation& attention) {
  Translation kind = layers.blank.below();
  if (!attention.is_empty()) kind.say_map("attention", attention);
  layers.table.describe_mixer(word, kind);
}

/// Windows in all layers but those that --window-attn-skip-freq names; layers without rotary positions.
void set_attention(const FlagReader& flags, MegatronLayers& layers) {
  const std::size_t count = layers.table.layers();
  std::vector<bool> has_window(count, false);
  std::int64_t window = 0;
  if (flags.has("--window-size")) {
    // "127,0": so many tokens before the query, and after it.
    std::vector<std::string> sides = flags.list("--window-size");
    const std::string before =
        sides.empty() ? "" : sides.front().substr(sides.front().find_first_not_of("([ "));
    window = std::atoll(before.c_str()) + 1;
    has_window.assign(count, true);
    if (flags.has("--window-attn-skip-freq"))
      has_window =
          layers_by_frequency(flags, "--window-attn-skip-freq", count,
                              [](std::int64_t layer, std::int64_t n) { return (layer + 1) % n != 0; });
  }
  const std::vector<bool> no_rope =
      layers_by_frequency(flags, "--no-rope-freq", count,
                          [](std::int64_t layer, std::int64_t n) { return (layer + 1) % n == 0; });
  const bool differs = window > 0 || std::find(no_rope.begin(), no_rope.end(), true) != no_rope.end();
  if (!differs) return;
  for (std::size_t layer = 0; layer < count; ++layer) {
    const std::string word =
        std::string(has_window[layer] ? kLocal : kFull) + (no_rope[layer] ? "-nope" : "");
    Translation attention = layers.blank.below();
    if (has_window[layer]) attention.say("window", window);
    if (no_rope[layer]) attention.say("positions", "none");
    describe(layers, word, attention);
    layers.table.set_mixer(layer, word);
  }
}

/// Gated delta nets in all layers but every n-th.
void set_linear_attention(const FlagReader& flags, MegatronLayers& layers) {
  const std::string variant = flags.text_or("--experimental-attention-variant", "");
  if (variant != "gated_delta_net" && !flags.has("--linear-attention-freq")) return;
  Translation net = layers.blank.below();
  net.say("key_heads", flags.whole_or("--linear-num-key-heads", 16));
  net.say("value_heads", flags.whole_or("--linear-num-value-heads", 32));
  net.say("key_head_dim", flags.whole_or("--linear-key-head-dim", 128));
  net.say("value_head_dim", flags.whole_or("--linear-value-head-dim", 128));
  net.say("conv_kernel", flags.whole_or("--linear-conv-kernel-dim", 4));
  Translation kind = layers.blank.below();
  kind.say("mixer", "gated-delta-net");
  kind.say_map("gated-delta-net", net);
  layers.table.describe_mixer("delta", kind);
  const std::vector<bool> is_linear =
      layers_by_frequency(flags, "--linear-attention-freq", layers.table.layers(),
                          [](std::int64_t layer, std::int64_t n) { return (layer + 1) % n != 0; });
  for (std::size_t layer = 0; layer < is_linear.size(); ++layer)
    layers.table.set_mixer(layer, is_linear[layer] ? "delta" : kFull);
}

Translation mamba_of(const FlagReader& flags, const Translation& blank) {
  const std::int64_t head_dim = flags.whole_or("--mamba-head-dim", 64);
  const std::int64_t inner = 2 * flags.whole_or("--hidden-size", 0);
  Translation mamba = blank.below();
  mamba.say("heads", flags.whole_or("--mamba-num-heads", inner / std::max<std::int64_t>(1, head_dim)));
  mamba.say("head_dim", head_dim);
  mamba.say("groups", flags.whole_or("--mamba-num-groups", 8));
  mamba.say("state_dim", flags.whole_or("--mamba-state-dim", 128));
  Translation kind = blank.below();
  kind.say("mixer", "mamba2");
  kind.say_map("mamba2", mamba);
  return kind;
}

/// A pattern of letters, one sublayer per layer; stages are separated by '|', prediction layers by '/'.
void set_hybrid(const FlagReader& flags, MegatronLayers& layers, const std::string& pattern) {
  layers.table.describe_mixer("mamba", mamba_of(flags, layers.blank));
  Translation none = layers.blank.below();
  none.say("mixer", "none");
  layers.table.describe_mixer("no-mixer", none);
  for (std::size_t layer = 0; layer < pattern.size(); ++layer) {
    const char letter = pattern[layer];
    const bool mixes = letter == 'M' || letter == '*';
    layers.table.set_mixer(layer, letter == 'M' ? "mamba" : letter == '*' ? "attention" : "no-mixer");
    layers.table.set_ffn(layer, mixes ? kNoFfn : letter == 'E' ? kExperts : kDense);
  }
}

/// The letters of a hybrid pattern without stages and prediction layers; empty, with a complaint, if one is not
/// known.
std::string hybrid_letters(const FlagReader& flags, std::string_view name) {
  std::string letters;
  for (const char letter : flags.text_or(name, "")) {
    if (letter == '/') break;
    if (letter == '|') continue;
    if (std::string_view("M*-E").find(letter) == std::string_view::npos) {
      flags.complain(name, fmt::format("'{}' is no known layer", letter),
                     "M (Mamba-2), * (attention), - (dense FFN), E (experts)");
      return {};
    }
    letters.push_back(letter);
  }
  return letters;
}

Translation experts_of(const FlagReader& flags, const Translation& blank) {
  Translation experts = blank.below();
  experts.say("count", flags.whole_or("--num-experts", 1));
  experts.say("per_token", flags.whole_or("--moe-router-topk", 2));
  const std::int64_t dense = flags.whole_or("--ffn-hidden-size", 4 * flags.whole_or("--hidden-size", 0));
  experts.say("hidden", flags.whole_or("--moe-ffn-hidden-size", dense));
  const std::int64_t shared = flags.whole_or("--moe-shared-expert-intermediate-size", 0);
  if (shared > 0) experts.say("shared_hidden", shared);
  if (shared > 0 && flags.has("--moe-shared-expert-gate")) experts.say("shared_gate", "true");
  if (flags.has("--moe-router-enable-expert-bias")) experts.say("score_bias", "true");
  const std::int64_t groups = flags.whole_or("--moe-router-num-groups", 1);
  const std::int64_t chosen = flags.whole_or("--moe-router-group-topk", groups);
  if (groups > 1 && chosen < groups) {
    experts.say("groups", groups);
    experts.say("groups_per_token", chosen);
  }
  if (const auto latent = flags.whole("--moe-latent-size")) experts.say("latent", *latent);
  return experts;
}

}  // namespace

void say_megatron_layers(const FlagReader& flags, LaunchJob& job) {
  const std::string_view name = flags.one_of({"--hybrid-layer-pattern", "--hybrid-override-pattern"});
  const std::string pattern = hybrid_letters(flags, name);
  const Place place = flags.place("--num-layers");
  auto empty = std::make_shared<YamlNode>();
  empty->kind = YamlNode::Kind::map;
  empty->place = place;
  const auto reading = std::make_shared<Reading>(Reading{.complaints = &flags.complaints()});
  const std::size_t count = pattern.empty() ? layer_count(flags) : pattern.size();
  MegatronLayers layers{.blank = Translation(empty, reading),
                        .table = LayerTable(static_cast<std::int64_t>(count))};
  if (!pattern.empty()) {
    job.model.say("layers", static_cast<std::int64_t>(count), flags.place(name));
    set_hybrid(flags, layers, pattern);
  } else {
    set_attention(flags, layers);
    set_linear_attention(flags, layers);
  }
  if (flags.whole_or("--num-experts", 0) > 0) {
    layers.table.set_experts(experts_of(flags, layers.blank));
    const std::vector<bool> has_experts = layers_by_frequency(
        flags, "--moe-layer-freq", count, [](std::int64_t layer, std::int64_t n) { return layer % n == 0; });
    for (std::size_t layer = 0; pattern.empty() && layer < count; ++layer)
      layers.table.set_ffn(layer, !flags.has("--moe-layer-freq") || has_experts[layer] ? kExperts : kDense);
  }
  if (flags.text_or("--softmax-type", "vanilla") == "learnable")
    job.model.say("attention_sinks", true, flags.place("--softmax-type"));
  Translation said = layers.blank.below();
  layers.table.say(said);
  for (const MapEntry& entry : said.entries()) job.model.say_node(entry.key, entry.value, place);
}

}  // namespace foreshard::detail
