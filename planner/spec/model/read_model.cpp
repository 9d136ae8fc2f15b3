#include "planner/spec/model/read_model.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/model/read_imbalance.hpp"
#include "planner/spec/model/read_layer_kinds.hpp"
#include "planner/spec/model/read_mixers.hpp"
#include "planner/spec/yaml/node_edit.hpp"

namespace foreshard {

namespace {

constexpr auto kModelKeys = std::to_array<KeyInfo>({
    {"name", "as people write it; that of a bundled model: the model that the other keys change"},
    {"layers", "transformer layers"},
    {"hidden", "width of the residual stream, elements"},
    {"ffn_hidden",
     "width between the feed-forward matrices, elements, or {multiple_of: 256, multiplier: 1}; needed where "
     "a layer has no experts"},
    {"ffn", "kind of feed-forward network: swiglu, geglu, glu, gelu, relu or sqrelu", "swiglu"},
    {"heads", "attention heads"},
    {"kv_heads", "heads of keys and values; unsaid, as many as heads"},
    {"head_dim", "elements of a head; unsaid, hidden / heads"},
    {"vocab", "tokens in the vocabulary, without padding"},
    {"vocab_multiple", "the vocabulary is padded to a multiple of this times tp", "128"},
    {"tied_embeddings", "the output head uses the embedding's weights: true or false", "false"},
    {"norm", "rmsnorm or layernorm", "rmsnorm"},
    {"norms_per_layer", "1, 2 or 4", "2"},
    {"parallel_residual",
     "attention and FFN both start from the layer's input: true or false; unsaid, true with one norm per "
     "layer"},
    {"biases", "which linear layers have biases: none, qkv, attention (and its output) or all", "none"},
    {"qk_norm", "queries and keys are normalised: true or false", "false"},
    {"qk_norm_whole", "the norms of queries and keys run over all heads at once: true or false", "false"},
    {"attention_sinks", "every head has a learned logit beside its keys': true or false", "false"},
    {"positions", "rope, learned, alibi or none", "rope"},
    {"max_positions", "rows of the table of learned positions; 0: the job's sequence length", "0"},
    {"causal", "a token attends to those before it only: true or false", "true"},
    {"window", "tokens that sliding-window attention sees; unsaid, all"},
    {"attention",
     "latent attention: {kind: mla, q_rank, kv_rank, nope_head_dim, rope_head_dim, v_head_dim}; attention "
     "with "
     "compressed keys: {kind: compressed, q_rank, rope_head_dim, output_rank, output_groups, compression, "
     "indexer}; or "
     "further keys of softmax attention: {kind: softmax, v_head_dim, rotary_dim, chunk, gate, …}"},
    {"experts", "mixture of experts: {count, per_token, hidden, shared_hidden, dense_layers, latent, …}"},
    {"layer_kinds",
     "where layers differ, each kind by name: {local: {attention: {window: 128}, ffn: experts}, full: {}}"},
    {"pattern",
     "the kind of each layer, repeated over the layers: [local, full]; or counts: [{dense: 3}, {moe: 58}]"},
    {"left_out", "what the real model has and this description leaves out, as a list; shown as notes"},
    {"mtp", "multi-token prediction: {layers: 1}"},
    {"hyper_connections", "several residual streams that are mixed around each sublayer: {streams: 4}"},
    {"source", "where the figures come from"},
    {"notes", "anything else"},
});
constexpr auto kFfnRuleKeys = std::to_array<KeyInfo>({
    {"multiple_of", "the width is rounded up to a multiple of this", "256"},
    {"multiplier", "the width is scaled by this before it is rounded", "1"},
});
constexpr auto kFormKeys = std::to_array<KeyInfo>({
    {"kind", "mla, multi-head latent attention; compressed, attention with compressed keys; or softmax"},
    {"q_rank", "rank of the compressed queries; 0: they are not compressed", "0"},
    {"kv_rank", "rank of the compressed keys and values"},
    {"nope_head_dim", "elements of a query or key head without rotary positions"},
    {"rope_head_dim", "elements of a query or key head with rotary positions"},
    {"v_head_dim", "elements of a value head; of softmax attention, unsaid, head_dim"},
    {"output_rank",
     "of attention with compressed keys: columns that a first output product makes of each group of heads"},
    {"output_groups", "groups of heads with such a product each", "1"},
});
constexpr auto kModelAttentionKeys = joined(kFormKeys, kAttentionOptionKeys);
constexpr auto kHyperKeys = std::to_array<KeyInfo>({
    {"streams", "residual streams"},
});
constexpr auto kExpertsKeys = std::to_array<KeyInfo>({
    {"count", "experts per layer"},
    {"per_token", "experts that a token is sent to"},
    {"hidden", "feed-forward width of one expert, elements"},
    {"shared_hidden", "feed-forward width of all shared experts together, elements", "0"},
    {"dense_layers", "leading layers with an ordinary feed-forward network", "0"},
    {"imbalance",
     "tokens of the most loaded expert rank over the mean; or a list, one such number for each layer with "
     "experts; or {spread: 0.3}, the relative standard deviation of experts' loads; or {experts: [...]}, the "
     "load of "
     "each expert",
     "1"},
    {"score_bias", "the router's choice is steered by one number per expert: true or false", "false"},
    {"groups", "groups of experts for group-limited routing; unsaid, none"},
    {"groups_per_token", "groups to whose experts a token goes at most", "1"},
    {"latent", "width of the rows that routed experts work on, elements; unsaid, the model's hidden size"},
    {"shared_gate", "the shared experts' output is scaled by a sigmoid of the token: true or false", "false"},
    {"own_norms", "shared and routed experts have norms of their own, as in Gemma 4: true or false", "false"},
});

constexpr std::int64_t kMostLayers = 100'000;
constexpr std::int64_t kWidest = 100'000'000;

enum class AttentionForm : std::uint8_t { mla, compressed, softmax };

}  // namespace

template <>
inline constexpr auto kWords<AttentionForm> =
    std::to_array<Named<AttentionForm>>({{AttentionForm::mla, "mla"},
                                         {AttentionForm::compressed, "compressed"},
                                         {AttentionForm::softmax, "softmax"}});

namespace {

std::int64_t read_ffn_hidden(const MapReader& map, std::int64_t hidden) {
  const NodePtr node = map.value("ffn_hidden");
  if (node != nullptr && node->kind == YamlNode::Kind::map) {
    const std::optional<MapReader> rule = map.child("ffn_hidden", kFfnRuleKeys);
    const std::int64_t multiple_of = rule->optional("multiple_of", WholeNumber{1, kWidest}, 256);
    return llama_ffn_hidden(hidden, multiple_of,
                            rule->optional("multiplier", RealNumber{0.001, 1000.0}, 1.0));
  }
  return map.required("ffn_hidden", WholeNumber{1, kWidest});
}

MlaSpec read_latent_sizes(const MapReader& attention) {
  MlaSpec mla;
  mla.q_rank = attention.optional("q_rank", WholeNumber{0, kWidest}, 0);
  mla.kv_rank = attention.required("kv_rank", WholeNumber{1, kWidest});
  mla.nope_head_dim = attention.required("nope_head_dim", WholeNumber{1, kWidest});
  mla.rope_head_dim = attention.required("rope_head_dim", WholeNumber{0, kWidest});
  mla.v_head_dim = attention.required("v_head_dim", WholeNumber{1, kWidest});
  return mla;
}

/// Reads attention with compressed keys: its sizes, and what its layers usually have.
void read_compressed(const MapReader& attention, ModelSpec& model) {
  for (const char* key : {"kv_rank", "nope_head_dim"}) {
    if (attention.has(key))
      attention.complain(key, "attention with compressed keys has no such key", "kind: mla has it");
  }
  CompressedSizes sizes;
  sizes.q_rank = attention.required("q_rank", WholeNumber{1, kWidest});
  sizes.rope_head_dim = attention.required("rope_head_dim", WholeNumber{0, kWidest});
  sizes.output_rank = attention.required("output_rank", WholeNumber{1, kWidest});
  sizes.output_groups = attention.optional("output_groups", WholeNumber{1, kWidest}, 1);
  model.compressed = sizes;
  const Compression usual = read_compression(attention, {});
  model.compression = usual.tokens;
  model.attention_options.indexer = usual.indexer;
}

/// Reads model.attention: latent attention, attention with compressed keys, or options of softmax attention.
void read_attention(const MapReader& map, ModelSpec& model) {
  const std::optional<MapReader> attention = map.child("attention", kModelAttentionKeys);
  if (!attention) return;
  const AttentionForm form = attention->required("kind", Choice<AttentionForm>{});
  if (form == AttentionForm::compressed) return read_compressed(*attention, model);
  for (const char* key : {"output_rank", "output_groups"}) {
    if (attention->has(key))
      attention->complain(key, "this attention has no such key", "kind: compressed has it");
  }
  if (form == AttentionForm::mla) {
    model.mla = read_latent_sizes(*attention);
    model.attention_options = read_latent_options(*attention, {});
    return;
  }
  for (const char* key : {"q_rank", "kv_rank", "nope_head_dim", "rope_head_dim"}) {
    if (attention->has(key))
      attention->complain(key, "softmax attention has no such key", "kind: mla has it");
  }
  model.attention_options = read_attention_options(*attention, {});
}

/// Checks groups of experts: they have equally many, and those of a token's groups suffice for its choice.
void check_groups(const MapReader& reader, const ExpertsSpec& experts) {
  if (experts.count % experts.groups != 0)
    reader.complain("groups", fmt::format("{} does not divide {} experts", experts.groups, experts.count),
                    "");
  else if (experts.groups_per_token > experts.groups)
    reader.complain("groups_per_token",
                    fmt::format("{} of only {} groups", experts.groups_per_token, experts.groups),
                    fmt::format("a whole number from 1 to {}", experts.groups));
  else if (experts.groups > 1 &&
           experts.count / experts.groups * experts.groups_per_token < experts.per_token)
    reader.complain("groups_per_token",
                    fmt::format("{} groups of {} experts have fewer than the {} of a token",
                                experts.groups_per_token, experts.count / experts.groups, experts.per_token),
                    "");
}

/// True if the imbalance is given in this form: a list has a number for each layer, a map tells of experts.
bool has_imbalance(const MapReader& experts, YamlNode::Kind form) {
  const NodePtr imbalance = experts.value("imbalance");
  return imbalance != nullptr && imbalance->kind == form;
}

std::optional<ExpertsSpec> read_experts(const MapReader& map, std::int64_t layers) {
  const std::optional<MapReader> reader = map.child("experts", kExpertsKeys);
  if (!reader) return std::nullopt;
  const std::size_t before = map.complaints().size();
  ExpertsSpec experts;
  experts.count = reader->required("count", WholeNumber{1, 1'000'000});
  experts.per_token = reader->required("per_token", WholeNumber{1, 1'000'000});
  experts.hidden = reader->required("hidden", WholeNumber{1, kWidest});
  experts.shared_hidden = reader->optional("shared_hidden", WholeNumber{0, kWidest}, 0);
  experts.dense_layers = reader->optional("dense_layers", WholeNumber{0, kMostLayers}, 0);
  if (has_imbalance(*reader, YamlNode::Kind::map))
    read_imbalance_by_expert(*reader, experts);
  else if (!has_imbalance(*reader, YamlNode::Kind::list))
    experts.imbalance = reader->optional("imbalance", RealNumber{1.0, 1e6}, 1.0);
  experts.score_bias = reader->optional("score_bias", Boolean{}, experts.score_bias);
  experts.groups = reader->optional("groups", WholeNumber{1, 1'000'000}, 1);
  experts.groups_per_token = reader->optional("groups_per_token", WholeNumber{1, 1'000'000}, experts.groups);
  experts.latent = reader->maybe("latent", WholeNumber{1, kWidest});
  experts.shared_gate = reader->optional("shared_gate", Boolean{}, experts.shared_gate);
  experts.own_norms = reader->optional("own_norms", Boolean{}, experts.own_norms);
  if (map.complaints().size() != before) return experts;
  check_groups(*reader, experts);
  for (const auto& [key, is_said] :
       {std::pair{"shared_gate", experts.shared_gate}, std::pair{"own_norms", experts.own_norms}}) {
    if (is_said && experts.shared_hidden == 0)
      reader->complain(key, "there are no shared experts", "shared_hidden says how wide they are");
  }
  if (experts.per_token > experts.count) {
    reader->complain("per_token", fmt::format("{} of only {} experts", experts.per_token, experts.count),
                     fmt::format("a whole number from 1 to {}", experts.count));
  }
  if (layers > 0 && experts.dense_layers > layers) {
    reader->complain("dense_layers", fmt::format("{} of only {} layers", experts.dense_layers, layers),
                     fmt::format("a whole number from 0 to {}", layers));
  }
  return experts;
}

/// Reads the sizes of the heads. @pre the counts have been read
void read_heads(const MapReader& map, ModelSpec& model) {
  const std::size_t before = map.complaints().size();
  model.kv_heads = map.optional("kv_heads", WholeNumber{1, 1'000'000}, model.heads);
  const std::optional<std::int64_t> head_dim = map.maybe("head_dim", WholeNumber{1, kWidest});
  if (map.complaints().size() != before || model.heads == 0 || model.hidden == 0) return;
  if (model.heads % model.kv_heads != 0) {
    std::vector<std::int64_t> divisors;
    for (std::int64_t n = 1; n <= model.heads; ++n) {
      if (model.heads % n == 0) divisors.push_back(n);
    }
    map.complain("kv_heads", fmt::format("{} does not divide the {} heads", model.kv_heads, model.heads),
                 fmt::format("allowed here: {}", fmt::join(divisors, ", ")));
  }
  if (head_dim) {
    model.head_dim = *head_dim;
  } else if (model.mla) {
    model.head_dim = model.mla->nope_head_dim + model.mla->rope_head_dim;
  } else if (model.hidden % model.heads == 0) {
    model.head_dim = model.hidden / model.heads;
  } else {
    map.complain("heads", fmt::format("{} does not divide the hidden size {}", model.heads, model.hidden),
                 "say head_dim if a head is not hidden / heads elements");
  }
}

/// Checks the heads of attention with compressed keys: they share one head of keys, in whole groups.
void check_compressed_heads(const MapReader& map, const ModelSpec& model) {
  if (!model.compressed) return;
  if (model.kv_heads != 1)
    map.complain(map.has("kv_heads") ? "kv_heads" : "attention",
                 "compressed keys are one head that all heads share", "kv_heads: 1");
  if (model.heads % model.compressed->output_groups != 0)
    map.complain("attention",
                 fmt::format("{} output_groups do not divide the {} heads", model.compressed->output_groups,
                             model.heads),
                 "");
  if (model.compressed->rope_head_dim > model.head_dim)
    map.complain("attention",
                 fmt::format("rope_head_dim {} is more than a head's {} elements",
                             model.compressed->rope_head_dim, model.head_dim),
                 "");
}

std::optional<HyperConnections> read_hyper(const MapReader& map, const ModelSpec& model) {
  const std::optional<MapReader> reader = map.child("hyper_connections", kHyperKeys);
  if (!reader) return std::nullopt;
  HyperConnections hyper;
  hyper.streams = reader->required("streams", WholeNumber{2, 1000});
  if (model.norms_per_layer != 2 || model.parallel_residual)
    map.complain("hyper_connections",
                 "they are planned with one norm before each sublayer, one sublayer after the other",
                 "norms_per_layer: 2, parallel_residual: false");
  return hyper;
}

void read_norms_per_layer(const MapReader& map, ModelSpec& model) {
  model.norms_per_layer = map.optional("norms_per_layer", WholeNumber{1, 4}, 2);
  if (model.norms_per_layer == 3) map.complain("norms_per_layer", "'3' is unknown", "allowed here: 1, 2, 4");
  const bool is_shared = model.norms_per_layer == 1;
  model.parallel_residual = map.optional("parallel_residual", Boolean{}, is_shared);
  if (is_shared && !model.parallel_residual)
    map.complain("parallel_residual", "with one norm per layer attention and FFN run in parallel",
                 "allowed here: true; or say norms_per_layer: 2");
  if (model.norms_per_layer == 4 && model.parallel_residual)
    map.complain("parallel_residual", "a layer with four norms runs its FFN after attention",
                 "allowed here: false; or say norms_per_layer: 1 or 2");
}

ModelSpec read_model_map(const MapReader& map) {
  ModelSpec model;
  const std::string fallback =
      map.path().empty() ? name_from_file(map.owner(), "unnamed model") : "unnamed model";
  model.name = map.optional("name", Text{}, fallback);
  model.layers = map.required("layers", WholeNumber{1, kMostLayers});
  model.hidden = map.required("hidden", WholeNumber{1, kWidest});
  model.heads = map.required("heads", WholeNumber{1, 1'000'000});
  model.vocab = map.required("vocab", WholeNumber{1, kWidest});
  read_attention(map, model);
  model.experts = read_experts(map, model.layers);
  const bool all_experts = model.experts && model.experts->dense_layers == 0;
  const bool may_be_unsaid = all_experts || map.has("layer_kinds");
  if (map.has("ffn_hidden") || !may_be_unsaid) {
    model.ffn_hidden = read_ffn_hidden(map, model.hidden);
  } else {
    model.ffn_hidden = model.experts ? model.experts->hidden : model.hidden;  // no layer has that FFN
  }
  read_heads(map, model);
  check_compressed_heads(map, model);
  model.ffn = map.optional("ffn", Choice<FfnKind>{}, model.ffn);
  model.vocab_multiple = map.optional("vocab_multiple", WholeNumber{1, 1'000'000}, model.vocab_multiple);
  model.tied_embeddings = map.optional("tied_embeddings", Boolean{}, model.tied_embeddings);
  model.norm = map.optional("norm", Choice<NormKind>{}, model.norm);
  read_norms_per_layer(map, model);
  model.hyper_connections = read_hyper(map, model);
  model.biases = map.optional("biases", Choice<Biases>{}, model.biases);
  model.qk_norm = map.optional("qk_norm", Boolean{}, model.qk_norm);
  model.qk_norm_whole = map.optional("qk_norm_whole", Boolean{}, model.qk_norm_whole);
  if (model.qk_norm_whole && !model.qk_norm)
    map.complain("qk_norm_whole", "there are no norms of queries and keys", "qk_norm: true is needed");
  model.attention_sinks = map.optional("attention_sinks", Boolean{}, model.attention_sinks);
  model.positions = map.optional("positions", Choice<Positions>{}, model.positions);
  model.max_positions = map.optional("max_positions", WholeNumber{0}, model.max_positions);
  model.causal = map.optional("causal", Boolean{}, model.causal);
  model.window = map.maybe("window", WholeNumber{});
  read_layer_kinds(map, model);
  const bool has_dense_kind =
      std::any_of(model.layer_kinds.begin(), model.layer_kinds.end(),
                  [](const LayerKind& kind) { return kind.ffn == FeedForward::dense && !kind.ffn_hidden; });
  if (has_dense_kind && !map.has("ffn_hidden")) map.complain_of_missing("ffn_hidden");
  if (model.experts && map.complaints().size() == 0) {
    const std::optional<MapReader> experts = map.child("experts", kExpertsKeys);
    if (has_imbalance(*experts, YamlNode::Kind::list)) read_imbalance_by_layer(*experts, model);
  }
  model.left_out = map.list("left_out", Text{});
  map.maybe("source", Text{});
  map.maybe("notes", Text{});
  return model;
}

}  // namespace

KeyTable model_keys() { return kModelKeys; }
KeyTable ffn_rule_keys() { return kFfnRuleKeys; }
KeyTable model_attention_keys() { return kModelAttentionKeys; }
KeyTable experts_keys() { return kExpertsKeys; }
KeyTable hyper_keys() { return kHyperKeys; }

std::int64_t llama_ffn_hidden(std::int64_t hidden, std::int64_t multiple_of, double multiplier) {
  const std::int64_t two_thirds = checked_product(8, hidden) / 3;
  const auto scaled = static_cast<std::int64_t>(multiplier * static_cast<double>(two_thirds));
  return round_up(scaled, multiple_of);
}

namespace {

/// Resolves {name: llama3-8b, layers: 4} into one map: the bundled model of that name with some keys
/// replaced. A name that is not that of a bundled model is only a name, and such a map is returned unchanged.
/// Null, with a complaint, if the bundled model cannot be opened.
NodePtr expand_model(const NodePtr& node, const std::string& path, Library& library) {
  const MapEntry* const name = node->find("name");
  if (name == nullptr || name->value->kind != YamlNode::Kind::scalar || is_path(name->value->text))
    return node;
  std::error_code no_error;
  const std::string& text = name->value->text;
  if (text.empty() || !std::filesystem::is_regular_file(bundled_path(ConfigKind::models, text), no_error))
    return node;
  const NodePtr base = library.open(ConfigKind::models, *name->value, path.empty() ? "name" : path + ".name");
  if (base == nullptr || base->kind != YamlNode::Kind::map) return base;
  // The name in the map only says which model is meant; the model keeps its own name.
  return merge_maps(*base, *without_entry(*node, "name"));
}

}  // namespace

ModelSpec read_model(const NodePtr& node, const Place& owner, const std::string& path, Library& library) {
  if (node->kind == YamlNode::Kind::scalar && !node->text.empty()) {
    const NodePtr document = library.open(ConfigKind::models, *node, path);
    if (document == nullptr) return {};
    // A file describes a whole model. Its name may be that of a bundled one: config.json files are called
    // like that.
    const auto map = MapReader::open(document, document->place, "", kModelKeys,
                                     "a map that describes a model", library.complaints());
    return map ? read_model_map(*map) : ModelSpec{};
  }
  const NodePtr described = expand_model(node, path, library);
  if (described == nullptr) return {};
  const auto map = MapReader::open(described, owner, path, kModelKeys, "a model's name, a path or a map",
                                   library.complaints());
  return map ? read_model_map(*map) : ModelSpec{};
}

}  // namespace foreshard
