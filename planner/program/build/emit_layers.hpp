#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/program_builder.hpp"
#include "planner/spec/types/layer_pattern.hpp"

namespace foreshard {

/// A forward block and the backward block derived from it. If the schedule splits backward, `weight` is the
/// block of the weight gradients.
struct PassBlocks {
  BlockId forward;
  BlockId backward;
  std::optional<BlockId> weight{};

  /// The block after which the weights' gradients are complete.
  [[nodiscard]] BlockId last() const { return weight.value_or(backward); }
};

/// Applies the forward passes to a freshly emitted forward block, derives its backward block, applies the
/// passes over both, and adds the blocks to the program.
/// @param groups the weight groups that the block uses
PassBlocks finish_passes(ProgramBuilder& builder, Block forward,
                         const std::vector<const WeightGroup*>& groups);

/// The weights of a layer. Kinds of layers that differ only in their windows share them.
struct LayerWeights {
  std::string name;  ///< "dense_layer"
  Mixer mixer;       ///< without window
  FeedForward ffn = FeedForward::dense;
  WeightGroup group;
  WeightGroup experts;

  /// The weight groups of these layers: `group` and, for layers with experts, `experts`.
  [[nodiscard]] std::vector<const WeightGroup*> groups() const;
};

/// The blocks of all kinds of layers, each emitted once.
class LayerBlocks {
 public:
  explicit LayerBlocks(const JobSpec& job);

  void emit(ProgramBuilder& builder);

  [[nodiscard]] const LayerPattern& pattern() const { return pattern_; }
  /// The kind of a layer of the model, or of a layer of multi-token prediction (MtpLayers), in pattern().kinds.
  [[nodiscard]] std::size_t kind_index(LayerId layer) const;
  [[nodiscard]] const PassBlocks& passes(LayerId layer) const { return passes_[kind_index(layer)]; }
  [[nodiscard]] const LayerWeights& weights(LayerId layer) const {
    return *weights_of_kind_[kind_index(layer)];
  }
  /// All distinct sets of weights, in the order of their first layers.
  [[nodiscard]] const std::deque<LayerWeights>& all_weights() const { return weights_; }

 private:
  LayerWeights& weights_for(const LayerKind& kind);
  [[nodiscard]] std::string block_name(std::size_t kind) const;
  [[nodiscard]] std::string scope_of(const LayerKind& kind) const;

  LayerPattern pattern_;
  std::deque<LayerWeights> weights_;  // a deque, because weights_of_kind_ points into it
  std::vector<const LayerWeights*> weights_of_kind_;
  std::vector<PassBlocks> passes_;  // by kind
};

}  // namespace foreshard
