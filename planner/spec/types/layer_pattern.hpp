#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/spec/types/layer_kind.hpp"
#include "planner/spec/types/model_spec.hpp"

namespace foreshard {

/// The kind of each layer of a model. Kinds that compute the same are merged into one: kinds that differ only
/// in their names, or only in windows and chunks that are not shorter than the sequence.
struct LayerPattern {
  std::vector<LayerKind> kinds;              ///< in the order of their first layers
  std::vector<std::size_t> kind_of;          ///< by layer, into `kinds`
  std::vector<std::int64_t> layers_of_kind;  ///< by kind, without the layers of mtp_kinds
  std::vector<std::size_t> mtp_kinds{};      ///< the layers of one module of multi-token prediction

  [[nodiscard]] const LayerKind& kind(std::int64_t layer) const {
    return kinds[kind_of[static_cast<std::size_t>(layer)]];
  }
  [[nodiscard]] bool has(FeedForward ffn) const;
};

/// The pattern of a model. If the model lists none: dense layers; if the model has experts, the layers after
/// the first `experts.dense_layers` have experts instead.
LayerPattern layer_pattern(const ModelSpec& model, std::int64_t sequence_length);

/// The largest load of the busiest of `ep` ranks in any layer, over the mean.
double largest_imbalance(const ModelSpec& model, std::int64_t ep);

/// The mixer that the model's own keys describe. Layers whose kind does not override it have this mixer.
Mixer usual_mixer(const ModelSpec& model);

}  // namespace foreshard
