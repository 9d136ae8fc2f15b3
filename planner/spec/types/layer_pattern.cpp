#include "planner/spec/types/layer_pattern.hpp"

#include <algorithm>
#include <utility>

#include "planner/spec/types/rank_loads.hpp"

namespace foreshard {

namespace {

/// Collects layers one by one; kinds that compute the same are listed once.
class PatternBuilder {
 public:
  explicit PatternBuilder(std::int64_t sequence_length) : sequence_length_(sequence_length) {}

  void add(LayerKind kind, std::int64_t layers) {
    if (layers == 0) return;
    const std::size_t index = index_of(std::move(kind));
    pattern_.layers_of_kind[index] += layers;
    pattern_.kind_of.insert(pattern_.kind_of.end(), static_cast<std::size_t>(layers), index);
  }

  /// Adds a layer to each module of multi-token prediction.
  void add_mtp(LayerKind kind) { pattern_.mtp_kinds.push_back(index_of(std::move(kind))); }
  void add_mtp_like_last_layer() { pattern_.mtp_kinds.push_back(pattern_.kind_of.back()); }

  LayerPattern take() { return std::move(pattern_); }

 private:
  /// The place of this kind in the list; it is added if no earlier kind computes the same.
  std::size_t index_of(LayerKind kind) {
    const std::optional<std::int64_t> window = window_of(kind.mixer);
    const std::optional<std::int64_t> chunk = chunk_of(kind.mixer);
    const bool sees_all = (!window || *window >= sequence_length_) && (!chunk || *chunk >= sequence_length_);
    if (sees_all) kind.mixer = without_window(std::move(kind.mixer));
    std::vector<LayerKind>& kinds = pattern_.kinds;
    const auto found = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const LayerKind& known) { return known.does_the_same_as(kind); });
    const auto index = static_cast<std::size_t>(found - kinds.begin());
    if (found == kinds.end()) {
      kinds.push_back(std::move(kind));
      pattern_.layers_of_kind.push_back(0);
    }
    return index;
  }

  std::int64_t sequence_length_;
  LayerPattern pattern_;
};

void add_mtp_layers(PatternBuilder& builder, const ModelSpec& model) {
  if (!model.mtp || model.layers == 0) return;
  for (const std::size_t kind : model.mtp->pattern) builder.add_mtp(model.layer_kinds[kind]);
  if (model.mtp->pattern.empty()) builder.add_mtp_like_last_layer();
}

}  // namespace

bool LayerPattern::has(FeedForward ffn) const {
  return std::any_of(kinds.begin(), kinds.end(), [&](const LayerKind& kind) { return kind.ffn == ffn; });
}

double largest_imbalance(const ModelSpec& model, std::int64_t ep) {
  double load = 1.0;
  for (const LayerKind& kind : model.layer_kinds) load = std::max(load, kind.expert_load);
  return load * (model.experts ? rank_loads(*model.experts, ep).most : 1.0);
}

Mixer usual_mixer(const ModelSpec& model) {
  if (model.mla)
    return LatentAttention{.sizes = *model.mla,
                           .heads = model.heads,
                           .window = model.window,
                           .rope = model.positions == Positions::rope,
                           .gate = model.attention_options.gate,
                           .indexer = model.attention_options.indexer};
  if (model.compressed)
    return CompressedAttention{.sizes = *model.compressed,
                               .heads = model.heads,
                               .head_dim = model.head_dim,
                               .window = model.window,
                               .compression = model.compression,
                               .indexer = model.attention_options.indexer};
  return SoftmaxAttention{.heads = model.heads,
                          .kv_heads = model.kv_heads,
                          .head_dim = model.head_dim,
                          .window = model.window,
                          .rope = model.positions == Positions::rope,
                          .qk_norm = model.qk_norm,
                          .sinks = model.attention_sinks,
                          .options = model.attention_options};
}

LayerPattern layer_pattern(const ModelSpec& model, std::int64_t sequence_length) {
  PatternBuilder builder(sequence_length);
  if (!model.pattern.empty()) {
    const std::size_t period = model.pattern.size();
    for (std::int64_t layer = 0; layer < model.layers; ++layer)
      builder.add(model.layer_kinds[model.pattern[static_cast<std::size_t>(layer) % period]], 1);
    add_mtp_layers(builder, model);
    return builder.take();
  }
  const std::int64_t dense =
      model.experts ? std::min(model.experts->dense_layers, model.layers) : model.layers;
  builder.add({.name = "dense", .mixer = usual_mixer(model), .ffn = FeedForward::dense}, dense);
  builder.add({.name = "experts", .mixer = usual_mixer(model), .ffn = FeedForward::experts},
              model.layers - dense);
  add_mtp_layers(builder, model);
  return builder.take();
}

}  // namespace foreshard
