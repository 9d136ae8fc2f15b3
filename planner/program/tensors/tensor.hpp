#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/program/tensors/meaning.hpp"
#include "planner/topology/group.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// What the index along one dimension counts. The project's shape legend is docs/shapes.md.
enum class DimName : std::uint8_t {
  tokens,    ///< T: sequences × positions of one micro-batch
  hidden,    ///< D
  ffn,       ///< F: ffn hidden, twice for a fused gate and up
  qkv,       ///< fused query, key and value columns: (heads + 2·kv_heads) · head_dim
  heads,     ///< heads (of one sequence, or of all sequences of the micro-batch)
  query,     ///< positions of queries: rows of the score matrix
  key,       ///< positions of keys: columns of the score matrix
  vocab,     ///< V, padded
  position,  ///< rows of a learned position table
  flat,      ///< anything one-dimensional: a norm's weight, a bias, a count
};

/// One dimension: its global size, and into how many equal parts each kind of parallelism cuts it.
struct Dim {
  DimName name = DimName::flat;
  std::int64_t size = 1;
  std::int32_t tp = 1;  ///< for weights of routed experts: etp
  std::int32_t cp = 1;
  std::int32_t ep = 1;
  std::int32_t dp = 1;  ///< ZeRO

  /// Elements of this dimension on one rank: the largest share, where the parts do not divide evenly.
  [[nodiscard]] constexpr std::int64_t local() const {
    return ceil_divide(size, static_cast<std::int64_t>(tp) * cp * ep * dp);
  }
  friend constexpr bool operator==(const Dim&, const Dim&) = default;
};

/// How long a tensor is alive, and therefore how many instances of it there are.
enum class Lifetime : std::uint8_t {
  step,         ///< the whole step; one instance per layer that has it
  micro_batch,  ///< from its first write to its last use; one per (layer, micro-batch)
  layer,        ///< from its first write to its last use; one per layer for all micro-batches
  block,        ///< within one call of one block
};

/// What a tensor is used for. These are the memory ledger's categories.
enum class TensorRole : std::uint8_t {
  weight,
  gradient,
  optimizer,
  activation,
  activation_gradient,
  buffer,
  input
};

/// An array of the step program. Its shape is global; one rank holds local_elements() of it.
struct Tensor {
  /// A name for people, unique within a program: "layer.qkv.weight". No code decides anything by it.
  std::string label;
  Meaning meaning;
  /// How the tensor is derived, and from which tensors (`of`): a gradient from its weight, a master copy from
  /// all weights of a block.
  Derivation derivation = Derivation::none;
  std::vector<TensorId> of;
  /// The only kind of layer that has this tensor. None: it belongs to no layer, or to layers of several
  /// kinds.
  std::optional<LayerKindId> layer_kind;
  TensorRole role = TensorRole::activation;
  DType dtype = DType::bf16;
  bool held = false;     ///< in memory for the whole step though no operation names it: a framework's buffer
  bool on_host = false;  ///< it lies in the host's memory, not the device's
  Lifetime lifetime = Lifetime::block;
  std::vector<Dim> dims;
  /// Sizes of the parts that are laid end to end in the leading dimension (for experts' weights in the second
  /// one): {q, k, v} or {gate, up}. Parallelism cuts each part on its own. Empty: one part.
  std::vector<std::int64_t> sections;
  /// True: one instance per layer (the block call names the layer). False: one per rank, as a table or the
  /// gradient norm.
  bool per_layer = true;
  /// The tensor is first a partial sum: each rank of this group holds one summand, until an in-place
  /// all-reduce or a reduce-scatter adds them.
  std::optional<GroupKind> partial;
  /// For a weight: elements of the global shape that are not parameters of the model: vocabulary padding, and
  /// kv heads that are repeated because tp exceeds their number.
  std::int64_t padding = 0;
  /// For an activation: sizes of the parts that are laid end to end in its last dimension: {q, k, v}. An
  /// all-to-all between context-parallel ranks distributes each part on its own. Empty: one part.
  std::vector<std::int64_t> column_sections;
  /// For a weight and its gradient: the number of ranks that share its optimizer update; 1 without ZeRO.
  std::int64_t update_parts = 1;
  /// Of a tensor that backward needs, one of so many equal parts is kept after the block call that writes it;
  /// backward makes the others again.
  std::int32_t kept_parts = 1;

  [[nodiscard]] std::int64_t global_elements() const;
  [[nodiscard]] std::int64_t local_elements() const;
  /// For a table (rows, columns): the number of rows that are not padding.
  [[nodiscard]] std::int64_t known_rows() const;
  [[nodiscard]] Bytes local_bytes() const { return bytes_of(dtype, local_elements()); }
  /// True for the tensor of this meaning itself, false for tensors derived from it.
  [[nodiscard]] bool is(const Meaning& what) const {
    return derivation == Derivation::none && meaning == what;
  }
  /// True for what belongs to routed experts: it is distributed over their mesh etp × ep × edp.
  [[nodiscard]] bool is_of_routed_experts() const { return meaning.part == ModelPart::experts; }
  /// True where no dimension is cut over tensor parallelism: every tp rank (etp rank, for routed experts) holds
  /// the same elements.
  [[nodiscard]] bool replicated_over_tp() const;
};

}  // namespace foreshard
