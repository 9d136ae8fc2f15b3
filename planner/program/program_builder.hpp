#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "planner/frameworks/framework.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/types/layer_kind.hpp"

namespace foreshard {

/// The sizes of one job's blocks, global unless said otherwise. Names as in docs/shapes.md.
struct BlockShapes {
  std::int64_t batch = 1;     ///< sequences of one micro-batch
  std::int64_t sequence = 1;  ///< positions of one sequence
  std::int64_t tokens = 1;    ///< T = batch · sequence
  std::int64_t hidden = 1;    ///< D
  std::int64_t ffn = 1;       ///< F
  std::int64_t heads = 1;     ///< A
  std::int64_t kv_heads = 1;  ///< G, repeated up to tp where tp exceeds the model's
  std::int64_t head_dim = 1;  ///< d
  std::int64_t vocab = 1;     ///< V, padded
  std::int32_t tp = 1;
  std::int32_t cp = 1;
  std::int32_t ep = 1;
  DType activation = DType::bf16;
  DType weight = DType::bf16;
  DType layer_math = DType::bf16;  ///< of the products inside layers: fp8 where the job says so
};

/// Heads are those of the model; a layer kind may have its own.
BlockShapes block_shapes(const JobSpec& job);

/// The weights that one kind of block owns, and what the optimizer keeps for them.
struct WeightGroup {
  std::string prefix;               ///< of the optimizer's tensors: "layer"
  std::string block;                ///< of the blocks that zero, norm and update them: "dense_layer"
  std::vector<TensorId> weights{};  ///< that are trained
  bool per_layer = true;
  GroupKind replicas = GroupKind::dp_cp;  ///< the ranks that hold the same weights
  std::vector<TensorId> frozen{};         ///< without gradient and optimizer state
};

/// Collects tensors and blocks while a program is built. Emitters ask it for tensors by what they mean and
/// append operations to the block they are given.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(const JobSpec& job);

  [[nodiscard]] const JobSpec& job() const { return job_; }
  [[nodiscard]] const BlockShapes& shapes() const { return shapes_; }
  [[nodiscard]] const FrameworkConventions& conventions() const { return conventions_; }
  [[nodiscard]] StepProgram& program() { return program_; }

  /// Emits for layers of this kind from now on: shapes() has its heads, and kind() is it. Tensors of kinds with other
  /// mixers have other sizes and must not be mixed up: where `scope` is not empty, the labels of the layer's tensors
  /// that are added end with "@SCOPE", and find() looks among those.
  void begin_layer_kind(LayerKindId id, const LayerKind& kind, std::string scope);
  /// From now on what belongs to no layer is emitted.
  void end_layer_kind();
  /// @pre inside a kind
  [[nodiscard]] const LayerKind& kind() const { return kind_.value(); }

  /// A new tensor, or the one that was added in the same words before: blocks of several kinds share tensors.
  /// @throws std::logic_error if a tensor of another meaning, shape or type has this label
  TensorId add(Tensor tensor);
  [[nodiscard]] Tensor& tensor(TensorId id) { return program_.tensors[id.at()]; }
  [[nodiscard]] const Tensor& tensor(TensorId id) const { return program_.tensors[id.at()]; }
  /// The tensor of this meaning itself. @throws std::logic_error where there is none
  [[nodiscard]] TensorId find(const Meaning& meaning) const;
  /// What is derived from this one tensor in this way. @throws std::logic_error where there is none
  [[nodiscard]] TensorId find(Derivation derivation, TensorId of) const;

  /// A copy of a tensor as something that is derived from it, to be changed and added.
  [[nodiscard]] Tensor derived(TensorId of, Derivation derivation) const;

  /// A (tokens, columns) activation of the block at hand; `column_cut`: its columns are cut over tp. Of the
  /// activations' type where none is given.
  TensorId activation(const Meaning& meaning, DimName columns, std::int64_t size, bool column_cut,
                      std::optional<DType> type = std::nullopt);
  /// A (tokens) or (tokens, width) fp32 statistic.
  TensorId statistic(const Meaning& meaning, std::int64_t width);
  /// A weight of `group` and its gradient.
  TensorId weight(WeightGroup& group, const Meaning& meaning, std::vector<Dim> dims,
                  std::vector<std::int64_t> sections = {}, std::int64_t padding = 0);
  /// Frozen while low-rank adapters are trained: no gradient, no optimizer state.
  TensorId frozen_weight(WeightGroup& group, Tensor weight);
  [[nodiscard]] bool is_frozen(TensorId weight) const;
  /// @pre what it is the gradient of is a weight that is trained, or the stream
  [[nodiscard]] TensorId gradient_of(TensorId weight) const { return find(Derivation::gradient, weight); }

  BlockId add(Block block);
  [[nodiscard]] std::optional<BlockId> find_block(std::string_view name) const;

 private:
  /// The scope of the kind at hand, for what belongs to a layer; empty for the rest.
  [[nodiscard]] std::string scope_of(const Meaning& meaning) const;

  JobSpec job_;
  BlockShapes shapes_;
  FrameworkConventions conventions_;
  StepProgram program_;
  std::optional<LayerKindId> layer_kind_;
  std::optional<LayerKind> kind_;
  std::string scope_;
  std::vector<Tensor> as_added_;  // passes change tensors later
  std::unordered_map<std::string, TensorId> tensor_by_label_;
  std::map<std::pair<std::string, Meaning>, TensorId> tensor_by_meaning_;  // by scope; derived from no other
  std::map<std::pair<Derivation, TensorId>, TensorId> derived_tensor_;     // those that are derived from one
  std::unordered_map<std::string, BlockId> block_by_name_;
};

// ---- Short forms for operands and operations, so that an emitter reads like the formula it emits.

/// The meaning of another tensor of the same item: its weight, its bias, its statistics.
constexpr Meaning with(Meaning meaning, TensorAspect aspect) {
  meaning.aspect = aspect;
  return meaning;
}
inline constexpr Meaning kHiddenStream{ModelPart::stream, TensorItem::hidden};

/// A tensor of this meaning with its label, and nothing else said.
Tensor tensor_of(const Meaning& meaning);

constexpr Operand reads(TensorId tensor, int shift = 0) {
  return {tensor, Access::read, static_cast<std::int16_t>(shift)};
}
constexpr Operand writes(TensorId tensor, int shift = 0) {
  return {tensor, Access::write, static_cast<std::int16_t>(shift)};
}
constexpr Operand adds_to(TensorId tensor, int shift = 0) {
  return {tensor, Access::accumulate, static_cast<std::int16_t>(shift)};
}

/// An operation on the compute lane.
Op compute_op(std::string name, Component component, Phase phase, OpKind kind, std::vector<Operand> operands);

/// One Y = X · Wᵀ [+ bias] of a forward block.
struct Linear {
  std::string name;
  Component component = Component::ffn;
  DType math = DType::bf16;
  Operand x;
  TensorId weight;
  TensorId y;
  std::optional<TensorId> bias = std::nullopt;
};

/// Appends the product, sizes from the local shapes of Y and W; and, where the job trains low-rank adapters
/// on this component, Y += (X · Aᵀ) · Bᵀ with adapters that belong to `group`.
void emit_linear(ProgramBuilder& builder, Block& block, WeightGroup& group, const Linear& linear);

/// A tensor-parallel all-reduce in place.
Op all_reduce_tp(const ProgramBuilder& builder, std::string name, Component component, Phase phase, Operand x,
                 Reduction reduction = Reduction::sum);

/// `dim` cut into the job's tp parts if `cut`.
Dim cut_dim(DimName name, std::int64_t size, std::int32_t tp, bool cut);

}  // namespace foreshard
