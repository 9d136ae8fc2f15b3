#include "planner/spec/model/read_layer_kinds.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/model/read_mixers.hpp"
#include "planner/spec/model/read_mtp.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {

namespace {

enum class Routing : std::uint8_t { scores, hash };

}  // namespace

template <>
inline constexpr auto kWords<Routing> = std::to_array<Named<Routing>>({{Routing::scores, "scores"},
                                                                       {Routing::hash, "hash"}});

namespace {

constexpr auto kLayerKindKeys = std::to_array<KeyInfo>({
    {"mixer",
     "attention, mla, sparse-attention, mamba2, gated-delta-net, kimi-delta or none; unsaid, the one that is "
     "described here, else the model's own attention"},
    {"ffn", "dense, experts or none; unsaid, experts where the model has some, else dense"},
    {"ffn_hidden", "width of the dense feed-forward network; unsaid, the model's"},
    {"routing",
     "of experts: scores, the router's choice; or hash, a table that gives each token of the vocabulary its "
     "experts",
     "scores"},
    {"attention",
     "what differs from the model's own keys: {window, heads, kv_heads, head_dim, positions, …}; of latent "
     "attention {window, heads, positions, gate, indexer}"},
    {"mamba2",
     "Mamba-2: {heads, head_dim, groups, state_dim, conv_kernel, chunk, conv_bias, projection_bias}"},
    {"gated-delta-net",
     "gated delta net: {key_heads, value_heads, key_head_dim, value_head_dim, conv_kernel, chunk}"},
    {"kimi-delta",
     "Kimi delta attention: {heads, head_dim, conv_kernel, chunk, decay_rank, gate_rank, gate_bias}"},
});
constexpr auto kHeadKeys = std::to_array<KeyInfo>({
    {"window", "tokens that sliding-window attention sees, or none: all; unsaid, the model's"},
    {"heads", "attention heads; unsaid, the model's"},
    {"kv_heads", "heads of keys and values; unsaid, the model's"},
    {"head_dim", "elements of a head; unsaid, the model's"},
    {"positions", "rope or none; unsaid, as the model's"},
    {"qk_norm", "queries and keys are normalised: true or false; unsaid, the model's"},
    {"attention_sinks",
     "every head has a learned logit beside its keys': true or false; unsaid, the model's"},
    {"v_head_dim", "elements of a value head; unsaid, the model's, or head_dim"},
});
constexpr auto kKindAttentionKeys = joined(kHeadKeys, kAttentionOptionKeys);

/// The keys that describe a linear mixer, and the mixer.
struct LinearKey {
  const char* key;
  MixerKind mixer;
};
constexpr LinearKey kLinearKeys[] = {{"mamba2", MixerKind::mamba2},
                                     {"gated-delta-net", MixerKind::gated_delta_net},
                                     {"kimi-delta", MixerKind::kimi_delta}};

constexpr std::int64_t kMostHeads = 1'000'000;
constexpr std::int64_t kWidestHead = 100'000'000;

std::vector<std::string> names_of(const std::vector<LayerKind>& kinds) {
  std::vector<std::string> names;
  for (const LayerKind& kind : kinds) names.push_back(kind.name);
  return names;
}

/// True if a word can be the name of a kind. Names become parts of the names of blocks and tensors.
bool is_name(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

/// A window in tokens, or none for all of the sequence.
void read_window(const MapReader& attention, std::optional<std::int64_t>& window) {
  const NodePtr node = attention.value("window");
  if (node != nullptr && node->kind == YamlNode::Kind::scalar && node->text == "none") {
    window = std::nullopt;
  } else if (const auto tokens = attention.maybe("window", WholeNumber{})) {
    window = tokens;
  }
}

SoftmaxAttention read_softmax(const MapReader& attention, bool kv_heads_follow, SoftmaxAttention usual) {
  const std::size_t before = attention.complaints().size();
  read_window(attention, usual.window);
  usual.heads = attention.optional("heads", WholeNumber{1, kMostHeads}, usual.heads);
  if (kv_heads_follow) usual.kv_heads = usual.heads;
  usual.kv_heads = attention.optional("kv_heads", WholeNumber{1, kMostHeads}, usual.kv_heads);
  usual.head_dim = attention.optional("head_dim", WholeNumber{1, kWidestHead}, usual.head_dim);
  const Choice<Positions> positions{{Positions::rope, Positions::none}};
  if (const auto said = attention.maybe("positions", positions)) usual.rope = *said == Positions::rope;
  usual.qk_norm = attention.optional("qk_norm", Boolean{}, usual.qk_norm);
  usual.sinks = attention.optional("attention_sinks", Boolean{}, usual.sinks);
  usual.options = read_attention_options(attention, usual.options);
  if (attention.complaints().size() == before && usual.kv_heads > 0 && usual.heads % usual.kv_heads != 0)
    attention.complain(attention.has("kv_heads") ? "kv_heads" : "heads",
                       fmt::format("{} kv heads do not divide {} heads", usual.kv_heads, usual.heads),
                       "kv_heads of this kind must divide its heads");
  return usual;
}

void refuse_keys(const MapReader& attention, std::initializer_list<const char*> keys, const char* message,
                 const char* allowed) {
  for (const char* key : keys) {
    if (attention.has(key)) attention.complain(key, message, allowed);
  }
}

LatentAttention read_latent(const MapReader& attention, LatentAttention usual) {
  read_window(attention, usual.window);
  usual.heads = attention.optional("heads", WholeNumber{1, kMostHeads}, usual.heads);
  const Choice<Positions> positions{{Positions::rope, Positions::none}};
  if (const auto said = attention.maybe("positions", positions)) usual.rope = *said == Positions::rope;
  refuse_keys(attention, {"kv_heads", "head_dim", "qk_norm", "attention_sinks", "v_head_dim"},
              "latent attention has no such key", "allowed here: window, heads, positions, gate, indexer");
  const AttentionOptions options =
      read_latent_options(attention, {.gate = usual.gate, .indexer = usual.indexer});
  usual.gate = options.gate;
  usual.indexer = options.indexer;
  return usual;
}

CompressedAttention read_compressed_kind(const MapReader& attention, CompressedAttention usual) {
  read_window(attention, usual.window);
  refuse_keys(attention, {"heads", "kv_heads", "head_dim", "positions", "qk_norm", "attention_sinks"},
              "attention with compressed keys has no such key in a kind",
              "allowed here: window, compression, indexer");
  const Compression said =
      read_compression(attention, {.tokens = usual.compression, .indexer = usual.indexer});
  usual.compression = said.tokens;
  usual.indexer = said.indexer;
  return usual;
}

/// Reads the kinds one after the other. Each starts with the model's own values and replaces some of them.
class KindReader {
 public:
  KindReader(const MapReader& model_map, const ModelSpec& model) : model_map_(model_map), model_(model) {}

  std::vector<LayerKind> read(const NodePtr& node) const {
    std::vector<LayerKind> kinds;
    for (const MapEntry& entry : node->entries) {
      const std::string path = model_map_.path_of("layer_kinds") + "." + entry.key;
      const std::vector<std::string> known = names_of(kinds);
      if (std::find(known.begin(), known.end(), entry.key) != known.end())
        model_map_.complaints().add(entry.key_place, path, "this kind is given twice");
      if (!is_name(entry.key))
        model_map_.complaints().add(entry.key_place, path, "this is no name for a kind of layer",
                                    "allowed here: letters, digits, - and _");
      const auto map = MapReader::open(entry.value, entry.key_place, path, kLayerKindKeys,
                                       "a map that describes a kind of layer", model_map_.complaints());
      kinds.push_back(map ? read_kind(*map, entry.key) : LayerKind{.name = entry.key, .mixer = NoMixer{}});
    }
    return kinds;
  }

 private:
  [[nodiscard]] LayerKind read_kind(const MapReader& map, const std::string& name) const {
    LayerKind kind{.name = name, .mixer = read_mixer(map)};
    const FeedForward usual = model_.experts ? FeedForward::experts : FeedForward::dense;
    kind.ffn = map.optional("ffn", Choice<FeedForward>{}, usual);
    if (kind.ffn == FeedForward::experts && !model_.experts)
      map.complain("ffn", "the model has no experts", "model.experts says how many, or say dense or none");
    if (!has_mixer(kind) && !has_ffn(kind))
      map.complain("ffn", "a layer without mixer and feed-forward network does nothing", "");
    kind.hash_routing = map.optional("routing", Choice<Routing>{}, Routing::scores) == Routing::hash;
    if (kind.hash_routing && kind.ffn != FeedForward::experts)
      map.complain("routing", "this kind has no experts", "ffn: experts");
    kind.ffn_hidden = map.maybe("ffn_hidden", WholeNumber{1, kWidestHead});
    if (kind.ffn_hidden && kind.ffn != FeedForward::dense)
      map.complain("ffn_hidden", "this kind has no dense feed-forward network",
                   "ffn: dense; experts.hidden is the width of experts");
    if (kind.ffn_hidden == model_.ffn_hidden) kind.ffn_hidden = std::nullopt;
    return kind;
  }

  /// The mixer that the keys of a kind name or describe.
  [[nodiscard]] MixerKind read_mixer_kind(const MapReader& map) const {
    MixerKind usual = model_.mla ? MixerKind::mla : MixerKind::attention;
    for (const LinearKey& linear : kLinearKeys) {
      if (map.has(linear.key)) usual = linear.mixer;
    }
    const MixerKind kind = map.optional("mixer", Choice<MixerKind>{}, usual);
    for (const LinearKey& linear : kLinearKeys) {
      if (map.has(linear.key) && linear.mixer != kind)
        map.complain(linear.key, fmt::format("the mixer of this kind is {}", word_of(kind)),
                     "describe only the mixer that the kind has");
    }
    return kind;
  }

  [[nodiscard]] Mixer read_mixer(const MapReader& map) const {
    const MixerKind kind = read_mixer_kind(map);
    const std::optional<MapReader> attention = map.child("attention", kKindAttentionKeys);
    const bool attends =
        kind == MixerKind::attention || kind == MixerKind::mla || kind == MixerKind::sparse_attention;
    if (attention && !attends)
      map.complain("attention",
                   kind == MixerKind::none
                       ? std::string("a layer without mixer has no attention")
                       : fmt::format("a layer whose mixer is {} has no attention", word_of(kind)),
                   "");
    switch (kind) {
      case MixerKind::none: return NoMixer{};
      case MixerKind::mamba2: return read_mamba2(map);
      case MixerKind::gated_delta_net: return read_gated_delta_net(map);
      case MixerKind::kimi_delta: return read_kimi_delta(map);
      case MixerKind::mla: return read_latent_mixer(map, attention);
      case MixerKind::attention:
        return model_.compressed ? read_compressed_mixer(attention) : read_softmax_mixer(attention);
      case MixerKind::sparse_attention: break;
    }
    if (model_.compressed) return read_compressed_mixer(attention);
    const Mixer mixer = model_.mla ? read_latent_mixer(map, attention) : read_softmax_mixer(attention);
    if (!indexer_of(mixer))
      map.complain("mixer", "sparse attention needs an indexer",
                   "attention: {indexer: {heads, head_dim, top_k}}, here or in the model");
    return mixer;
  }

  [[nodiscard]] Mixer read_latent_mixer(const MapReader& map,
                                        const std::optional<MapReader>& attention) const {
    if (!model_.mla) {
      map.complain("mixer", "the model has no latent attention",
                   "model.attention describes it: {kind: mla, kv_rank, …}");
      return NoMixer{};
    }
    const auto latent = std::get<LatentAttention>(usual_mixer(model_));
    return attention ? read_latent(*attention, latent) : latent;
  }

  [[nodiscard]] Mixer read_compressed_mixer(const std::optional<MapReader>& attention) const {
    const auto compressed = std::get<CompressedAttention>(usual_mixer(model_));
    return attention ? read_compressed_kind(*attention, compressed) : compressed;
  }

  [[nodiscard]] Mixer read_softmax_mixer(const std::optional<MapReader>& attention) const {
    ModelSpec without_latent = model_;
    without_latent.mla = std::nullopt;
    const auto softmax = std::get<SoftmaxAttention>(usual_mixer(without_latent));
    return attention ? read_softmax(*attention, !model_map_.has("kv_heads"), softmax) : softmax;
  }

  const MapReader& model_map_;
  const ModelSpec& model_;
};

/// Reads `pattern`: either names of kinds, which repeat over the layers, or counts that add up to the layers.
class PatternReader {
 public:
  PatternReader(const MapReader& map, const ModelSpec& model)
      : map_(map), model_(model), names_(names_of(model.layer_kinds)) {}

  std::vector<std::size_t> read() && {
    const NodePtr list = map_.value("pattern");
    if (list->kind != YamlNode::Kind::list || list->items.empty()) {
      map_.complain("pattern",
                    list->kind == YamlNode::Kind::list ? "the list is empty"
                                                       : "expected a list, found " + kind_of(*list),
                    "a list of kinds, [local, full], or of counts, [{local: 2}, {full: 2}]");
      return {};
    }
    const std::size_t before = map_.complaints().size();
    for (std::size_t i = 0; i < list->items.size(); ++i)
      read_item(*list->items[i], fmt::format("{}[{}]", map_.path_of("pattern"), i));
    if (map_.complaints().size() == before) check_layers();
    return map_.complaints().size() == before ? std::move(pattern_) : std::vector<std::size_t>{};
  }

 private:
  void read_item(const YamlNode& item, const std::string& path) {
    if (item.kind == YamlNode::Kind::scalar) return add(item.place, item.text, 1, path);
    if (item.kind != YamlNode::Kind::map || item.entries.size() != 1) {
      map_.complaints().add(item.place, path, "expected a kind or {kind: count}, found " + kind_of(item));
      return;
    }
    has_counts_ = true;
    const MapEntry& entry = item.entries.front();
    auto count = WholeNumber{1, 100'000}.read(*entry.value);
    if (auto* complaint = std::get_if<ParseComplaint>(&count)) {
      map_.complaints().add(entry.value->place, path, std::move(complaint->message),
                            std::move(complaint->allowed));
      return;
    }
    add(entry.key_place, entry.key, std::get<std::int64_t>(count), path);
  }

  void add(const Place& place, const std::string& name, std::int64_t count, const std::string& path) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      map_.complaints().add(place, path,
                            fmt::format("no kind is called {}{}", quote(name), did_you_mean(name, names_)),
                            fmt::format("allowed here: {}", fmt::join(names_, ", ")));
      return;
    }
    pattern_.insert(pattern_.end(), static_cast<std::size_t>(count),
                    static_cast<std::size_t>(found - names_.begin()));
  }

  void check_layers() const {
    const auto said = static_cast<std::int64_t>(pattern_.size());
    if (model_.layers == 0 || (!has_counts_ && said <= model_.layers)) return;
    if (said == model_.layers) return;
    map_.complain("pattern", fmt::format("it has {} layers, the model {}", said, model_.layers),
                  has_counts_ ? "counts must add up to the model's layers"
                              : "at most one kind per layer; a shorter list is repeated");
  }

  const MapReader& map_;
  const ModelSpec& model_;
  std::vector<std::string> names_;
  std::vector<std::size_t> pattern_;
  bool has_counts_ = false;
};

/// True if a layer of the model, or of its multi-token prediction, is of this kind.
bool uses_kind(const ModelSpec& model, std::size_t kind) {
  const auto has = [&](const std::vector<std::size_t>& pattern) {
    return std::find(pattern.begin(), pattern.end(), kind) != pattern.end();
  };
  return has(model.pattern) || (model.mtp && has(model.mtp->pattern));
}

/// Complains of keys that no layer of the model uses.
void check_use(const MapReader& map, const ModelSpec& model) {
  for (std::size_t i = 0; i < model.layer_kinds.size(); ++i) {
    if (!uses_kind(model, i))
      map.complain("pattern", fmt::format("no layer is of the kind '{}'", model.layer_kinds[i].name),
                   "name it, or leave the kind out");
  }
  const bool uses_experts =
      std::any_of(model.layer_kinds.begin(), model.layer_kinds.end(),
                  [](const LayerKind& kind) { return kind.ffn == FeedForward::experts; });
  if (!model.experts) return;
  if (!uses_experts) map.complain("experts", "no kind of layer has experts", "ffn: experts in layer_kinds");
  if (model.experts->dense_layers > 0)
    map.complain("experts", "dense_layers and pattern both say which layers have experts", "say one of them");
}

}  // namespace

KeyTable layer_kind_keys() { return kLayerKindKeys; }
KeyTable kind_attention_keys() { return kKindAttentionKeys; }

void read_layer_kinds(const MapReader& map, ModelSpec& model) {
  const NodePtr kinds = map.value("layer_kinds");
  if (kinds == nullptr) {
    if (map.has("pattern"))
      map.complain("pattern", "there are no kinds of layers", "layer_kinds says what each kind is");
    read_mtp(map, model);
    return;
  }
  if (kinds->kind != YamlNode::Kind::map || kinds->entries.empty()) {
    map.complain("layer_kinds", "expected a map from kinds to what they are, found " + kind_of(*kinds),
                 "as in {local: {attention: {window: 128}}, full: {}}");
    return;
  }
  if (!map.has("pattern")) return map.complain_of_missing("pattern");
  const std::size_t before = map.complaints().size();
  model.layer_kinds = KindReader(map, model).read(kinds);
  model.pattern = PatternReader(map, model).read();
  read_mtp(map, model);
  if (map.complaints().size() == before) check_use(map, model);
}

}  // namespace foreshard
