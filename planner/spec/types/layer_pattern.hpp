#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "planner/spec/types/layer_kind.hpp"
#include "planner/spec/types/model_spec.hpp"

namespace foreshard {

/// Which kind each layer of a model is of. Kinds that do the same are one kind: two names for one thing, and
/// windows that no sequence of this length reaches, change no figure.
struct LayerPattern {
  std::vector<LayerKind> kinds;              ///< in the order of their first layers
  std::vector<std::size_t> kind_of;          ///< by layer, into `kinds`
  std::vector<std::int64_t> layers_of_kind;  ///< by kind

  [[nodiscard]] const LayerKind& kind(std::int64_t layer) const {
    return kinds[kind_of[static_cast<std::size_t>(layer)]];
  }
  [[nodiscard]] bool has(FeedForward ffn) const;
};

/// The model's own pattern; without one, dense layers, and behind the first `experts.dense_layers` of them
/// layers with experts where the model has experts.
LayerPattern layer_pattern(const ModelSpec& model, std::int64_t sequence_length);

/// The mixer that a model's keys describe, for layers whose kind says nothing else.
Mixer usual_mixer(const ModelSpec& model);

}  // namespace foreshard
