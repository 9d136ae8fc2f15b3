#include "planner/spec/model/read_mixers.hpp"

#include <fmt/core.h>

#include "planner/spec/types/names.hpp"

namespace foreshard {

namespace {

constexpr auto kIndexerKeys = std::to_array<KeyInfo>({
    {"kind",
     "lightning (a weighted sum over its heads, DeepSeek) or block (the best key of a block, MiniMax)",
     "lightning"},
    {"heads", "heads of the indexer"},
    {"head_dim", "elements of a head of the indexer"},
    {"top_k", "keys that a query sees, in tokens"},
    {"block", "keys are chosen in blocks of so many tokens; unsaid, one by one"},
});
constexpr auto kMamba2Keys = std::to_array<KeyInfo>({
    {"heads", "heads of the state-space scan"},
    {"head_dim", "elements of a head"},
    {"groups", "groups of heads that share B and C", "1"},
    {"state_dim", "elements of a head's state, for each element of the head"},
    {"conv_kernel", "tokens that the causal convolution sees", "4"},
    {"chunk", "tokens that the scan processes at once", "128"},
    {"conv_bias", "the convolution has a bias: true or false", "true"},
    {"projection_bias", "the input and output products have biases: true or false", "false"},
});
constexpr auto kGatedDeltaNetKeys = std::to_array<KeyInfo>({
    {"key_heads", "heads of queries and keys"},
    {"value_heads", "heads of values; a multiple of key_heads"},
    {"key_head_dim", "elements of a query or key head"},
    {"value_head_dim", "elements of a value head"},
    {"conv_kernel", "tokens that the causal convolution sees", "4"},
    {"chunk", "tokens that the delta rule processes at once", "64"},
});
constexpr auto kKimiDeltaKeys = std::to_array<KeyInfo>({
    {"heads", "heads of queries, keys and values"},
    {"head_dim", "elements of a head"},
    {"conv_kernel", "tokens that the causal convolution sees", "4"},
    {"chunk", "tokens that the delta rule processes at once", "64"},
    {"decay_rank", "rank of the decay's product; unsaid, head_dim"},
    {"gate_rank", "rank of the output gate's product; 0: full; unsaid, head_dim"},
    {"gate_bias", "the output gate's last product has a bias: true or false", "false"},
});

constexpr std::int64_t kMostElements = 100'000'000;
constexpr WholeNumber kElements{1, kMostElements};
constexpr WholeNumber kHowMany{1, 1'000'000};

/// Complains if `whole` is not a multiple of `part`. @pre both were read without complaint
void require_multiple(const MapReader& map, std::size_t complaints_before, const char* key,
                      std::int64_t whole, std::int64_t part, const char* what) {
  if (map.complaints().size() != complaints_before || part == 0 || whole % part == 0) return;
  map.complain(key, fmt::format("{} is not a multiple of {} {}", whole, part, what), "");
}

std::optional<Indexer> read_indexer(const MapReader& map, const std::optional<Indexer>& usual) {
  const NodePtr node = map.value("indexer");
  if (node == nullptr) return usual;
  if (node->kind == YamlNode::Kind::scalar && node->text == "none") return std::nullopt;
  if (node->kind == YamlNode::Kind::scalar && node->text == "shared") {
    if (!usual) {
      map.complain("indexer", "the model has no indexer whose choice could be shared",
                   "model.attention.indexer describes it");
      return std::nullopt;
    }
    Indexer shared = *usual;
    shared.is_shared = true;
    return shared;
  }
  const std::optional<MapReader> reader = map.child("indexer", kIndexerKeys);
  if (!reader) return usual;
  const std::size_t before = map.complaints().size();
  Indexer indexer;
  indexer.kind = reader->optional("kind", Choice<IndexerKind>{}, indexer.kind);
  indexer.heads = reader->required("heads", kHowMany);
  indexer.head_dim = reader->required("head_dim", kElements);
  indexer.top_k = reader->required("top_k", kElements);
  indexer.block = reader->optional("block", kElements, 1);
  require_multiple(*reader, before, "top_k", indexer.top_k, indexer.block, "tokens of a block");
  return indexer;
}

}  // namespace

KeyTable indexer_keys() { return kIndexerKeys; }
KeyTable mamba2_keys() { return kMamba2Keys; }
KeyTable gated_delta_net_keys() { return kGatedDeltaNetKeys; }
KeyTable kimi_delta_keys() { return kKimiDeltaKeys; }

AttentionOptions read_attention_options(const MapReader& map, AttentionOptions usual) {
  const auto replace = [&](const char* key, std::optional<std::int64_t>& size) {
    if (const auto said = map.maybe(key, kElements)) size = said;
  };
  replace("v_head_dim", usual.v_head_dim);
  replace("rotary_dim", usual.rotary_dim);
  replace("chunk", usual.chunk);
  if (map.has("compression"))
    map.complain("compression", "softmax attention has no such key",
                 "model.attention: {kind: compressed, …} has it");
  usual.gate = map.optional("gate", Choice<OutputGate>{}, usual.gate);
  usual.values_are_keys = map.optional("values_are_keys", Boolean{}, usual.values_are_keys);
  usual.v_norm = map.optional("v_norm", Boolean{}, usual.v_norm);
  usual.indexer = read_indexer(map, usual.indexer);
  return usual;
}

AttentionOptions read_latent_options(const MapReader& map, AttentionOptions usual) {
  for (const char* key : {"rotary_dim", "chunk", "values_are_keys", "v_norm", "compression"}) {
    if (map.has(key)) map.complain(key, "latent attention has no such key", "");
  }
  usual.gate = map.optional("gate", Choice<OutputGate>{}, usual.gate);
  usual.indexer = read_indexer(map, usual.indexer);
  return usual;
}

Compression read_compression(const MapReader& map, Compression usual) {
  for (const char* key : {"rotary_dim", "chunk", "values_are_keys", "v_norm", "gate", "v_head_dim"}) {
    if (map.has(key)) map.complain(key, "attention with compressed keys has no such key", "");
  }
  const NodePtr node = map.value("compression");
  if (node != nullptr && node->kind == YamlNode::Kind::scalar && node->text == "none")
    usual = {};
  else if (const auto tokens = map.maybe("compression", WholeNumber{2, kMostElements}))
    usual.tokens = *tokens;
  usual.indexer = read_indexer(map, usual.indexer);
  if (usual.indexer && usual.tokens == 0)
    map.complain(map.has("indexer") ? "indexer" : "compression",
                 "an indexer chooses compressed keys, and there are none",
                 "say compression, or indexer: none");
  if (usual.indexer && (usual.indexer->is_shared || usual.indexer->kind != IndexerKind::lightning))
    map.complain("indexer", "compressed keys are chosen by a lightning indexer of each layer",
                 "kind: lightning");
  return usual;
}

Mamba2 read_mamba2(const MapReader& kind) {
  Mamba2 mamba;
  const std::optional<MapReader> map = kind.required_child("mamba2", kMamba2Keys);
  if (!map) return mamba;
  const std::size_t before = map->complaints().size();
  mamba.heads = map->required("heads", kHowMany);
  mamba.head_dim = map->required("head_dim", kElements);
  mamba.groups = map->optional("groups", kHowMany, mamba.groups);
  mamba.state_dim = map->required("state_dim", kElements);
  mamba.conv_kernel = map->optional("conv_kernel", kHowMany, mamba.conv_kernel);
  mamba.chunk = map->optional("chunk", kHowMany, mamba.chunk);
  mamba.conv_bias = map->optional("conv_bias", Boolean{}, mamba.conv_bias);
  mamba.projection_bias = map->optional("projection_bias", Boolean{}, mamba.projection_bias);
  require_multiple(*map, before, "heads", mamba.heads, mamba.groups, "groups");
  return mamba;
}

GatedDeltaNet read_gated_delta_net(const MapReader& kind) {
  GatedDeltaNet net;
  const std::optional<MapReader> map = kind.required_child("gated-delta-net", kGatedDeltaNetKeys);
  if (!map) return net;
  const std::size_t before = map->complaints().size();
  net.key_heads = map->required("key_heads", kHowMany);
  net.value_heads = map->required("value_heads", kHowMany);
  net.key_head_dim = map->required("key_head_dim", kElements);
  net.value_head_dim = map->required("value_head_dim", kElements);
  net.conv_kernel = map->optional("conv_kernel", kHowMany, net.conv_kernel);
  net.chunk = map->optional("chunk", kHowMany, net.chunk);
  require_multiple(*map, before, "value_heads", net.value_heads, net.key_heads, "key_heads");
  return net;
}

KimiDelta read_kimi_delta(const MapReader& kind) {
  KimiDelta delta;
  const std::optional<MapReader> map = kind.required_child("kimi-delta", kKimiDeltaKeys);
  if (!map) return delta;
  delta.heads = map->required("heads", kHowMany);
  delta.head_dim = map->required("head_dim", kElements);
  delta.conv_kernel = map->optional("conv_kernel", kHowMany, delta.conv_kernel);
  delta.chunk = map->optional("chunk", kHowMany, delta.chunk);
  delta.decay_rank = map->optional("decay_rank", kElements, delta.head_dim);
  delta.gate_rank = map->optional("gate_rank", WholeNumber{0, kMostElements}, delta.head_dim);
  delta.gate_bias = map->optional("gate_bias", Boolean{}, delta.gate_bias);
  return delta;
}

}  // namespace foreshard
