#pragma once

#include <cstddef>
#include <cstdint>
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
/// @param recomputed true if backward recomputes what the job says; false if everything is kept
PassBlocks finish_passes(ProgramBuilder& builder, Block forward,
                         const std::vector<const WeightGroup*>& groups, bool recomputed = true);

/// The weights of a layer. Kinds of layers that differ only in their windows share them.
struct LayerWeights {
  std::string name;   ///< "dense_layer"
  LayerKind kind;     ///< the first kind of these layers: others may have another window
  bool wide = false;  ///< the layers' products stay in the wider precision
  WeightGroup group;
  WeightGroup experts;

  /// The weight groups of these layers: `group` and, for layers with experts, `experts`.
  [[nodiscard]] std::vector<const WeightGroup*> groups() const;
};

/// The blocks of all kinds of layers, each emitted once; if only some layers are recomputed, in two variants.
class LayerBlocks {
 public:
  explicit LayerBlocks(const JobSpec& job);

  void emit(ProgramBuilder& builder);
  /// For jobs that recompute only some layers: emits the blocks of the layers that keep everything.
  /// @param recomputed for each layer @pre emit() was called, and the weights are not cut yet
  void emit_kept(ProgramBuilder& builder, std::vector<bool> recomputed);

  [[nodiscard]] const LayerPattern& pattern() const { return pattern_; }
  /// The kind of a layer of the model, or of a layer of multi-token prediction (MtpLayers), in pattern().kinds.
  [[nodiscard]] std::size_t kind_index(LayerId layer) const;
  /// Layers of multi-token prediction are recomputed whatever the choice of layers is.
  [[nodiscard]] const PassBlocks& passes(LayerId layer) const {
    const bool is_kept = layer.at() < recomputed_.size() && !recomputed_[layer.at()];
    const std::size_t kind = kind_index(layer);
    return is_kept ? kept_passes_[kind].value() : passes_[kind];
  }
  [[nodiscard]] const LayerWeights& weights(LayerId layer) const {
    return *weights_of_kind_[kind_index(layer)];
  }
  /// All distinct sets of weights, in the order of their first layers.
  [[nodiscard]] const std::deque<LayerWeights>& all_weights() const { return weights_; }

 private:
  /// Gives the first and last layers that the job keeps in bf16 kinds of their own.
  void split_wide_layers(const JobSpec& job);
  LayerWeights& weights_for(const LayerKind& kind, bool wide);
  [[nodiscard]] std::string block_name(std::size_t kind) const;
  [[nodiscard]] std::string scope_of(std::size_t kind) const;
  PassBlocks emit_kind(ProgramBuilder& builder, std::size_t kind, bool recomputed);

  LayerPattern pattern_;
  std::vector<bool> wide_;            // by kind: its products stay in bf16
  std::deque<LayerWeights> weights_;  // a deque, because weights_of_kind_ points into it
  std::vector<const LayerWeights*> weights_of_kind_;
  std::vector<PassBlocks> passes_;                      // by kind
  std::vector<std::optional<PassBlocks>> kept_passes_;  // by kind: of layers that are not recomputed
  std::vector<bool> recomputed_;                        // by layer; empty: all alike
};

}  // namespace foreshard
