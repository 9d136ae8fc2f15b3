#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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

/// The sizes of one job's blocks, global unless stated otherwise. Names as in docs/shapes.md.
struct BlockShapes {
  std::int64_t batch = 1;       ///< sequences of one micro-batch
  std::int64_t sequence = 1;    ///< positions of one sequence
  std::int64_t tokens = 1;      ///< T = batch · sequence
  std::int64_t hidden = 1;      ///< D
  std::int64_t ffn = 1;         ///< F
  std::int64_t heads = 1;       ///< A
  std::int64_t kv_heads = 1;    ///< G; if tp exceeds the model's kv heads, they are repeated up to tp
  std::int64_t head_dim = 1;    ///< d
  std::int64_t v_head_dim = 1;  ///< elements of a value head
  std::int64_t vocab = 1;       ///< V, padded
  std::int32_t tp = 1;
  std::int32_t cp = 1;
  std::int32_t ep = 1;
  std::int32_t etp = 1;  ///< tensor parallelism of routed experts
  DType activation = DType::bf16;
  DType weight = DType::bf16;
  DType layer_math = DType::bf16;  ///< arithmetic of the products inside layers: fp8 if the job says so
  DType wide_math = DType::bf16;   ///< arithmetic of the others: head, router, adapters, attention
};

/// The sizes of a job's blocks, with the model's usual heads. ProgramBuilder replaces the heads by those of a
/// layer kind while it emits that kind.
BlockShapes block_shapes(const JobSpec& job);

/// The weights that one kind of block owns, and what the optimizer keeps for them.
struct WeightGroup {
  std::string prefix;               ///< of the names of the optimizer's tensors: "layer"
  std::string block;                ///< of the names of the blocks that zero, norm and update: "dense_layer"
  std::vector<TensorId> weights{};  ///< the trained weights
  bool per_layer = true;            ///< each layer has its own
  GroupKind replicas = GroupKind::dp_cp;  ///< the ranks that hold the same weights
  std::vector<TensorId> frozen{};         ///< the weights without gradient and optimizer state
};

/// Collects tensors and blocks while a program is built. Emitters get tensors from it by their meaning, and
/// append operations to the block that they are given.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(const JobSpec& job);

  [[nodiscard]] const JobSpec& job() const { return job_; }
  [[nodiscard]] const BlockShapes& shapes() const { return shapes_; }
  [[nodiscard]] const FrameworkConventions& conventions() const { return conventions_; }
  [[nodiscard]] StepProgram& program() { return program_; }

  /// From now on layers of this kind are emitted: kind() returns it, and shapes() has its heads. Kinds with
  /// different mixers have tensors of different sizes, which must be kept apart: if `scope` is not empty, the
  /// labels of layer tensors that are added end with "@SCOPE", and find() searches only among those.
  /// Variants of a kind share its weights, but their activations live differently: if `variant` is not empty,
  /// the labels of activations end with "@VARIANT" too.
  void begin_layer_kind(LayerKindId id, const LayerKind& kind, std::string scope, std::string variant = {});
  /// The products of the kind that is being emitted stay in the wider precision.
  void keep_products_wide() { shapes_.layer_math = shapes_.wide_math; }
  /// From now on tensors and blocks that belong to no layer are emitted.
  void end_layer_kind();
  /// The kind that is being emitted. @pre begin_layer_kind was called, and end_layer_kind not yet
  [[nodiscard]] const LayerKind& kind() const { return kind_.value(); }

  /// Adds a tensor and returns its id. If the same tensor was added before, returns that one: blocks of
  /// several kinds share tensors.
  /// @throws std::logic_error if a tensor of another meaning, shape or type has this label
  TensorId add(Tensor tensor);
  [[nodiscard]] Tensor& tensor(TensorId id) { return program_.tensors[id.at()]; }
  [[nodiscard]] const Tensor& tensor(TensorId id) const { return program_.tensors[id.at()]; }
  /// The tensor of this meaning that is not derived from another. @throws std::logic_error if there is none
  [[nodiscard]] TensorId find(const Meaning& meaning) const;
  /// The tensor that is derived from `of` in this way. @throws std::logic_error if there is none
  [[nodiscard]] TensorId find(Derivation derivation, TensorId of) const;
  /// The same; none if there is none.
  [[nodiscard]] std::optional<TensorId> known(Derivation derivation, TensorId of) const;

  /// A copy of a tensor's description, marked and labelled as derived from it. It is not added yet: the
  /// caller changes it and then calls add().
  [[nodiscard]] Tensor derived(TensorId of, Derivation derivation) const;

  /// Adds a (tokens, columns) activation; `column_cut`: its columns are cut over tp. Without `type` it has
  /// the type of activations.
  TensorId activation(const Meaning& meaning, DimName columns, std::int64_t size, bool column_cut,
                      std::optional<DType> type = std::nullopt);
  /// Adds a (tokens) or (tokens, width) fp32 statistic.
  TensorId statistic(const Meaning& meaning, std::int64_t width);
  /// Adds a weight to `group`, and its gradient.
  TensorId weight(WeightGroup& group, const Meaning& meaning, std::vector<Dim> dims,
                  std::vector<std::int64_t> sections = {}, std::int64_t padding = 0);
  /// Adds a weight that is frozen while low-rank adapters are trained: no gradient, no optimizer state.
  TensorId frozen_weight(WeightGroup& group, Tensor weight);
  [[nodiscard]] bool is_frozen(TensorId weight) const;
  /// Notes that the backward block of some kind of layer reads what its forward block writes here.
  void note_saved(TensorId activation) { saved_.insert(activation); }
  [[nodiscard]] bool is_saved(TensorId activation) const { return saved_.contains(activation); }
  /// The gradient of a tensor. @pre the tensor is a trained weight or the stream
  [[nodiscard]] TensorId gradient_of(TensorId weight) const { return find(Derivation::gradient, weight); }

  BlockId add(Block block);
  [[nodiscard]] std::optional<BlockId> find_block(std::string_view name) const;

 private:
  /// The scope of the kind that is being emitted if the tensor belongs to a layer; else empty. That of an
  /// activation contains the variant.
  [[nodiscard]] std::string scope_of(const Meaning& meaning, bool is_weight) const;

  JobSpec job_;
  BlockShapes shapes_;
  FrameworkConventions conventions_;
  StepProgram program_;
  std::optional<LayerKindId> layer_kind_;
  std::optional<LayerKind> kind_;
  std::string scope_;
  std::string variant_;
  std::vector<Tensor> as_added_;  // by TensorId, unchanged; passes change program_.tensors later
  std::unordered_map<std::string, TensorId> tensor_by_label_;
  std::map<std::pair<std::string, Meaning>, TensorId> tensor_by_meaning_;  // by scope; not derived tensors
  std::map<std::pair<Derivation, TensorId>, TensorId> derived_tensor_;     // tensors derived from one tensor
  std::unordered_map<std::string, BlockId> block_by_name_;
  std::set<TensorId> saved_;
};

// ---- Short forms for operands and operations, so that an emitter reads like the formula it emits.

/// The meaning of another tensor of the same item: its weight, its bias, its statistics.
constexpr Meaning with(Meaning meaning, TensorAspect aspect) {
  meaning.aspect = aspect;
  return meaning;
}
inline constexpr Meaning kHiddenStream{ModelPart::stream, TensorItem::hidden};

/// A tensor with this meaning and its label; all other members have their defaults.
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

/// A linear layer Y = X · Wᵀ [+ bias] of a forward block.
struct Linear {
  std::string name;
  Component component = Component::ffn;
  DType math = DType::bf16;
  Operand x;
  TensorId weight;
  TensorId y;
  std::optional<TensorId> bias = std::nullopt;
};

/// Appends the product, with sizes from the local shapes of Y and W. Where the job trains low-rank adapters on
/// it, also appends Y += (X · Aᵀ) · Bᵀ and adds the adapters A and B to `group`: once for W, or for each
/// projection that it fuses, in whose columns of Y the result is then added.
void emit_linear(ProgramBuilder& builder, Block& block, WeightGroup& group, const Linear& linear);

/// A frozen weight in the type that products take. Where it is kept in fewer bits, appends the pass that makes
/// it, into a buffer; else returns the weight itself.
TensorId dequantised(ProgramBuilder& builder, Block& block, const std::string& name, Component component,
                     TensorId weight);

/// A tensor-parallel all-reduce in place.
Op all_reduce_tp(const ProgramBuilder& builder, std::string name, Component component, Phase phase, Operand x,
                 Reduction reduction = Reduction::sum);

/// A dimension that is cut into `tp` parts if `cut`, else whole.
Dim cut_dim(DimName name, std::int64_t size, std::int32_t tp, bool cut);

}  // namespace foreshard
